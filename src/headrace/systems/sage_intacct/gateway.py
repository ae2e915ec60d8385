"""Sage Intacct's XML gateway: one session, and the objects that meet a query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from headrace.systems.api_reader import ApiReader

_URL = "https://api.intacct.com/ia/xml/xmlgw.phtml"
_PAGE = 1000
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_ADVICE = (
    "Check sender_id and sender_password, which the company must authorise for web services, and "
    "company, user and password of a web services user who may list receivables."
)


class Gateway:
    """One company, or one entity of it, as a web services user sees it."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Open a session. Raises RuntimeError."""
        self._control = _tags(
            "control",
            _tag("senderid", options["sender_id"])
            + _tag("password", options["sender_password"])
            + _tag("controlid", "headrace")
            + _tag("uniqueid", "false")
            + _tag("dtdversion", "3.0")
            + _tag("includewhitespace", "false"),
        )
        login = _tag("userid", options["user"]) + _tag("companyid", options["company"])
        login += _tag("password", options["password"])
        if "entity" in options:
            login += _tag("locationid", options["entity"])
        self._rate = int(options.get("rate", 0))
        self._api = ApiReader(str(options.get("url", _URL)), {}, self._rate, advice=_ADVICE)
        self._access = _tags("login", login)
        api = self._asked("<getAPISession/>").find("data/api")
        if api is None:
            raise RuntimeError("Sage Intacct answers without a session")
        self._access = _tag("sessionid", api.findtext("sessionid"))
        self._api = ApiReader(str(api.findtext("endpoint")), {}, self._rate, advice=_ADVICE)

    def objects(self, name: str, query: str, fields: str = "*") -> Iterator[dict[str, str | None]]:
        """Yield objects with the names of their fields in lower case; empty ones are None."""
        data = self._read(name, query, fields, _PAGE)
        while True:
            for item in data:
                yield {one.tag.lower(): (one.text or "").strip() or None for one in item}
            if int(data.get("numremaining", 0)) <= 0:
                return
            # The following pages are those of the moment of the query.
            more = _tags("readMore", _tag("resultId", data.get("resultId")))
            data = _data(self._asked(more))

    def count(self, name: str, query: str) -> int:
        """Return how many objects meet a query."""
        return int(self._read(name, query, "RECORDNO", 1).get("totalcount", 0))

    def _read(self, name: str, query: str, fields: str, size: int) -> ElementTree.Element:
        asked = _tag("object", name) + _tag("fields", fields) + _tag("query", query)
        return _data(self._asked(_tags("readByQuery", asked + _tag("pagesize", size))))

    def _asked(self, function: str) -> ElementTree.Element:
        """Return the result of a function. Raises RuntimeError with Intacct's own words."""
        content = _tags("content", f'<function controlid="1">{function}</function>')
        operation = _tags("operation", _tags("authentication", self._access) + content)
        body = _HEAD + _tags("request", self._control + operation)
        try:
            answer = ElementTree.fromstring(self._api.post_text("", body, "application/xml"))
        except ElementTree.ParseError:
            raise RuntimeError(
                "Sage Intacct's answer is no XML: check url, if there is one"
            ) from None
        errors = answer.findall(".//errormessage/error")
        result = answer.find("operation/result")
        if errors or result is None or result.findtext("status") != "success":
            names = ("errorno", "description", "description2", "correction")
            said = " ".join(filter(None, (errors[0].findtext(n) for n in names))) if errors else ""
            words = said.rstrip(". ") or "it answers without a result"
            raise RuntimeError(f"Sage Intacct: {words}. {_ADVICE}")
        return result


def _data(result: ElementTree.Element) -> ElementTree.Element:
    found = result.find("data")
    if found is None:
        raise RuntimeError("Sage Intacct answers without data")
    return found


def _tag(name: str, text: Any) -> str:
    return _tags(name, escape(str(text)))


def _tags(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>"
