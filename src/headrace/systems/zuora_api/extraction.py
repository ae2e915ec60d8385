"""Reads Zuora by its Data Query, SQL over the tenant's live data: what was updated since the last
time, deleted rows included.

Options: `url` of the tenant's data centre, such as `https://rest.eu.zuora.com`; `client_id` and
`client_secret` of an OAuth client whose user may run data queries; `rate`, requests a minute.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.systems.api_reader import ApiReader
from headrace.systems.messages import Message, gone, record, since
from headrace.systems.moments import asked_from
from headrace.systems.oauth import ClientCredentials, form_grant

_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 15.0
_PATIENCE_S = 3600.0
"""Zuora itself ends a query after an hour."""
_DELETED = "headrace_deleted"
"""Whoever selects the column `deleted` gets deleted rows as well."""
_ADVICE = (
    "Check url, the tenant's data centre, and client_id and client_secret of its OAuth client."
)
_ROLE = "Check that the OAuth client's user may run data queries."


def read(
    tables: Mapping[str, Any], options: Mapping[str, Any], last: Any, now: float
) -> Iterator[Message]:
    """Yield what there is, or what was updated since `last`; `now` is the time, since 1970."""
    url = str(options["url"]).rstrip("/")
    client = {name: str(options[name]) for name in ("client_id", "client_secret")}
    access = ClientCredentials(form_grant(f"{url}/oauth/token", {}, _ADVICE), client)
    queries = _DataQuery(ApiReader(url, {}, int(options.get("rate", 0)), access, _ROLE))
    if last is None:
        there = sorted(str(row["Table"]).lower() for row in queries.rows("show tables"))
    else:
        there = last["there"]
    moment = asked_from(last)
    for table in tables:
        if table not in there:
            continue
        if moment is None:
            for row in queries.rows(f"select * from {table}"):
                yield record(table, row)
            continue
        text = moment.strftime("%Y-%m-%d %H:%M:%S +00:00")
        rows = queries.rows(
            f"select t.*, t.deleted as {_DELETED} from {table} t "
            f"where t.updateddate >= timestamp '{text}'"
        )
        for row in rows:
            deleted = row.pop(_DELETED, False)
            yield gone(table, row["id"]) if _is_true(deleted) else record(table, row)
    yield since({"until": now, "there": there})


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


class _DataQuery:
    """Queries, each of which is a job whose rows are a file elsewhere."""

    def __init__(self, api: ApiReader) -> None:
        self._api = api
        self._wait = threading.Event().wait

    def rows(self, query: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a query. Raises RuntimeError for one that fails."""
        body = {
            "query": query,
            "outputFormat": "JSON",
            "compression": "NONE",
            "output": {"target": "S3"},
        }
        job = _job(self._api.post("/query/jobs", body), query)
        wait, waited = _FIRST_WAIT_S, 0.0
        while (job := _job(self._api.get(f"/query/jobs/{job['id']}"), query)).get(
            "queryStatus"
        ) != "completed":
            status = job.get("queryStatus")
            if status in ("failed", "cancelled", "aborted") or waited >= _PATIENCE_S:
                said = job.get("errorMessage") or f"it is {status}"
                raise RuntimeError(f"Zuora, {query}: {said}")
            self._wait(wait)
            waited += wait
            wait = min(2 * wait, _LONGEST_WAIT_S)
        # The address has its own signature: the token is for Zuora alone.
        yield from ApiReader(str(job["dataFile"]), {}).lines("")


def _job(answer: Any, query: str) -> dict[str, Any]:
    if not isinstance(answer, dict) or "data" not in answer:
        raise RuntimeError(f"Zuora, {query}: there are no data queries at this address")
    job: dict[str, Any] = answer["data"]
    return job
