"""A small client of the hub's API, and bodies to send with it."""

from __future__ import annotations

import http.client
import json
import re
from typing import Any
from urllib.parse import urlsplit

from described import assert_described

REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
}


class _Like:
    def __init__(self, name: str, pattern: str) -> None:
        self._name = name
        self._pattern = re.compile(pattern)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and bool(self._pattern.fullmatch(other))

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return self._name


ANY_ID = _Like("<an id>", r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ANY_TIME = _Like("<a time>", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Answer:
    """An answer: status, headers and the decoded body."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.raw = response.read()

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


class Api:
    """A client of one organisation of a hub, over one connection."""

    def __init__(self, url: str, key: str, secret: str, organisation: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
        self.base = parts.path
        self.headers = {"X-Api-Key": key, "X-Api-Secret": secret}
        self.organisation = organisation

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """Send any request; `body` is sent as JSON, `raw` as is."""
        data = json.dumps(body).encode() if body is not None else raw
        sent = {"Content-Type": "application/json", **self.headers, **(headers or {})}
        self._connection.request(method, self.base + path, body=data, headers=sent)
        answer = Answer(self._connection.getresponse())
        if self.base.endswith("/v1"):
            assert_described(method, path, answer.status, answer.raw)
        return answer

    def post(self, path: str, body: Any, status: int | None = 201) -> Any:
        """Send an import that must succeed with this status; returns the entity."""
        answer = self.call("POST", path, body)
        assert answer.status == status, answer.raw
        return answer.body

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status == 200, answer.raw
        return answer.body

    def refused(self, method: str, path: str, body: Any = None, status: int = 400) -> str:
        """Send a request that must be refused; checks the error's form and returns its message."""
        answer = self.call(method, path, body)
        assert answer.status == status, (answer.status, answer.raw)
        error = answer.body
        assert set(error) == {"statusCode", "error", "message", "details"}
        assert error["statusCode"] == status
        assert error["error"] == REASONS[status]
        assert all(set(detail) == {"field", "message"} for detail in error["details"])
        assert error["message"].endswith(".")
        return str(error["message"])

    def close(self) -> None:
        self._connection.close()


def customer(external_id: str, **fields: Any) -> dict[str, Any]:
    return {"externalId": external_id, "name": f"Customer {external_id}", **fields}


def invoice(external_id: str, owner: str, amount: int = 1000, **fields: Any) -> dict[str, Any]:
    return {
        "externalId": external_id,
        "customId": f"No {external_id}",
        "issuedAt": "2015-05-05T12:30:00Z",
        "dueDate": "2999-06-05T12:30:00Z",
        "currency": "EUR",
        "grossAmount": amount,
        "netAmount": amount,
        "customer": {"externalId": owner},
        **fields,
    }


def payment(external_id: str, owner: str, amount: int = 1000, **fields: Any) -> dict[str, Any]:
    return {
        "externalId": external_id,
        "currency": "EUR",
        "amount": amount,
        "validatedAt": "2016-02-03",
        "customer": {"externalId": owner},
        **fields,
    }


def credit_note(external_id: str, owner: str, amount: int = 1000, **fields: Any) -> dict[str, Any]:
    return {
        "externalId": external_id,
        "customId": f"No {external_id}",
        "currency": "EUR",
        "grossAmount": amount,
        "netAmount": amount,
        "customer": {"externalId": owner},
        **fields,
    }


def to_invoice(external_id: str, amount: Any) -> dict[str, Any]:
    return {"amountLinked": amount, "invoice": {"externalId": external_id}}
