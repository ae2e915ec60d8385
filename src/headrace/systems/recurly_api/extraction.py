"""Reads Recurly by its API v3, version 2021-02-25: what was updated since the last time.

Options: `key`, a private API key, which may be read-only; `url`, such as
`https://v3.eu.recurly.com` for a site in the EU; `rate`, requests a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from headrace.systems.access import basic
from headrace.systems.api_reader import ApiReader
from headrace.systems.messages import Message, record, since
from headrace.systems.moments import asked_from, iso

_URL = "https://v3.recurly.com"
_PAGE = 200
_ADVICE = (
    "Check that key is a private API key of this site, and url if the site is in the EU: "
    "https://v3.eu.recurly.com."
)


def read(
    tables: Mapping[str, Any], options: Mapping[str, Any], last: Any, now: float
) -> Iterator[Message]:
    """Yield what there is, or what was updated since `last`; `now` is the time, since 1970."""
    headers = basic(str(options["key"])) | {"Accept": "application/vnd.recurly.v2021-02-25"}
    url = str(options.get("url", _URL))
    api = ApiReader(url, headers, int(options.get("rate", 0)), advice=_ADVICE)
    asked: list[tuple[str, Any]] = [("limit", _PAGE), ("order", "asc")]
    moment = asked_from(last)
    # In the order of their creation, objects that change meanwhile stay where they are.
    asked.append(("sort", "created_at" if moment is None else "updated_at"))
    if moment is not None:
        asked.append(("begin_time", iso(moment)))
    for table in tables:
        page = api.get(f"/{table}", asked)
        while page is not None:
            for item in page["data"]:
                yield record(table, item)
            if not page["has_more"]:
                break
            page = api.get(_place(page["next"]))
        else:
            raise RuntimeError(f"There is no Recurly at this address: no /{table}")
    yield since({"until": now})


def _place(following: str) -> str:
    """Return the path of the next page, which the key is sent to at no other host."""
    parts = urlsplit(following)
    return f"{parts.path}?{parts.query}"
