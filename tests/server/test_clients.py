"""Clients of the real API, imitated from their code (docs/api-evidence.md, What clients do)."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hub_api import Api, credit_note, customer, invoice, payment

from headrace.testkit.hub import RunningHub


class PlainClient:
    """A client with headers in any case, and a JSON content type with or without a body."""

    def __init__(self, running: RunningHub, api: Api, *, upper: bool) -> None:
        parts = urlsplit(running.url)
        self._connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        spelled = {**api.headers, "Content-Type": "application/json", "Accept": "application/json"}
        self._headers = {n.upper() if upper else n.lower(): v for n, v in spelled.items()}

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Parse JSON on every 2xx except 204; of an error, return `message` or else `error`."""
        data = None if body is None else json.dumps(body)
        self._connection.request(method, f"/v1{path}", body=data, headers=self._headers)
        response = self._connection.getresponse()
        raw = response.read()
        if response.status == 204:
            assert raw == b""
            return 204, None
        answer = json.loads(raw)
        if response.status >= 400:
            return response.status, answer.get("message") or answer.get("error")
        return response.status, answer

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(params=[True, False], ids=["upper", "lower"])
def client(request: pytest.FixtureRequest, running: RunningHub, api: Api) -> Any:
    made = PlainClient(running, api, upper=request.param)
    yield made
    made.close()


def test_a_client_that_sends_a_content_type_without_a_body(client: PlainClient) -> None:
    """Header names in either case, encoded `external%3A`, bodyless GET, DELETE and portal POST."""
    assert client.call("POST", "/customers", customer("a/b:1"))[0] == 201
    name = quote("external:a/b:1", safe="")
    assert name == "external%3Aa%2Fb%3A1"
    assert client.call("GET", f"/customers/{name}")[1]["externalId"] == "a/b:1"
    status, link = client.call("POST", f"/customers/{name}/portal")
    assert (status, list(link)) == (201, ["url"])
    assert client.call("POST", f"/customers/{name}/customer_summary")[1]["items"] == []
    assert client.call("DELETE", f"/customers/{name}") == (204, None)


def test_a_client_that_reads_message_and_then_error(client: PlainClient) -> None:
    refusals = {
        ("GET", "/customers/external:x"): (404, "There is no customer with externalId x."),
        ("POST", "/customers"): (400, "The body is empty: send the fields as a JSON object."),
        ("GET", "/nothing"): (404, "There is no GET /v1/nothing in this API."),
        ("POST", "/users"): (405, "POST is not served here: this path takes GET."),
        ("GET", "/invoices?limit=0"): (
            400,
            "limit must be a whole number of at least 1, not '0'.",
        ),
    }
    for (method, path), expected in refusals.items():
        assert client.call(method, path) == expected
    client._headers = {
        name: value for name, value in client._headers.items() if name.lower() != "x-api-secret"
    }
    status, sentence = client.call("GET", "/customers")
    assert status == 401
    assert sentence == "The headers X-Api-Key and X-Api-Secret are needed on every request."


@pytest.mark.parametrize("limit", [3, 7, 500])
def test_a_client_that_stops_at_the_first_short_page(client: PlainClient, limit: int) -> None:
    client.call("POST", "/customers", customer("C"))
    for n in range(14):
        client.call("POST", "/invoices", invoice(f"{n}", "C"))
    seen: list[str] = []
    while True:
        _, page = client.call("GET", f"/invoices?offset={len(seen)}&limit={limit}")
        seen += [entry["externalId"] for entry in page["invoices"]]
        if len(page["invoices"]) < limit:
            break
    assert seen == [str(n) for n in range(13, -1, -1)]


def test_a_client_that_sends_both_ids_repeatedly(client: PlainClient) -> None:
    """Keeps the `id` of each answer and sends it with the next, as an accounting add-on does."""
    bodies = [
        ("/customers", {"externalId": "C", "name": "C", "vatNumber": "", "customFields": []}),
        ("/invoices", invoice("I", "C")),
        ("/credit_notes", credit_note("N", "C")),
        ("/payments", payment("P", "C")),
        ("/refunds", payment("R", "C")),
    ]
    for path, body in bodies:
        status, made = client.call("POST", path, body)
        assert status == 201
        for _ in range(2):
            status, again = client.call("POST", path, {**body, "id": made["id"]})
            assert (status, again["id"]) == (200, made["id"])
        assert client.call("GET", f"{path}/{made['id']}")[0] == 200


def test_a_client_that_posts_payments_without_links_and_reconciles_them(
    client: PlainClient,
) -> None:
    """Documents first, without links; then one reconciliation per pair; later all over again."""
    client.call("POST", "/customers", customer("C"))
    ids = {}
    for path, body in (
        ("/invoices", invoice("I", "C", 1000)),
        ("/payments", payment("P", "C", 600)),
        ("/payments", payment("Q", "C", 700)),
        ("/refunds", payment("R", "C", 300)),
    ):
        ids[body["externalId"]] = client.call("POST", path, body)[1]["id"]

    def both(name: str, amount: int, **more: Any) -> dict[str, Any]:
        return {"id": ids[name], "externalId": name, "amountLinked": amount, **more}

    def reconcile(name: str, **sides: Any) -> None:
        empty: dict[str, Any] = {"invoices": [], "payments": [], "creditNotes": [], "refunds": []}
        answer = client.call("POST", "/reconcile", {"externalId": name, **empty, **sides})
        assert answer == (201, "CREATED")

    def outstanding() -> int:
        return int(client.call("GET", "/invoices/external:I")[1]["amountOutstanding"])

    for _ in range(2):
        first = both("I", 600, customId="No I")
        reconcile("partial-1", invoices=[first], payments=[both("P", 600)])
        reconcile("partial-2", invoices=[both("I", 400)], payments=[both("Q", 400)])
        reconcile("partial-3", refunds=[both("R", 300)], payments=[both("Q", 300)])
        assert outstanding() == 0
        for path, body in (
            ("/invoices", invoice("I", "C", 1000)),
            ("/payments", payment("P", "C", 600)),
            ("/payments", payment("Q", "C", 700)),
        ):
            assert client.call("POST", path, {**body, "id": ids[body["externalId"]]})[0] == 200
        assert outstanding() == 0, "a re-import leaves reconciliations alone"
    assert client.call("GET", "/customers/external:C")[1]["balance"] == 0
    reconcile("partial-2")
    assert outstanding() == 400
