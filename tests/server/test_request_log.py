"""The request log: the request, its organisation and entity, and the number in flight."""

from __future__ import annotations

import json
from pathlib import Path

from hub_api import Api, customer, invoice, payment, to_invoice

from headrace.testkit.hub import RunningHub, hub_process, make_keys


def test_each_request_is_logged_with_its_entity_and_customer(running: RunningHub, api: Api) -> None:
    owner = api.post("/customers", customer("C", zzz=1))
    made = api.post("/invoices", {**invoice("I/1", "C"), "customer": {"id": owner["id"]}})
    api.get("/invoices/external:I%2F1")
    api.get(f"/invoices/{made['id']}")
    api.call("PUT", "/invoices/external:I%2F1", {"name": "x"})
    api.refused("POST", "/payments", payment("P", "C", 1, linkedInvoices=[to_invoice("I/1", 2)]))
    api.post("/customers/external:C/contacts", {"email": "a@x.io", "externalId": "k"})
    api.get("/invoices?customerId=external:C")
    api.get("/invoices")
    api.refused("GET", "/nothing", status=404)
    api.call("DELETE", f"/invoices/{made['id']}")
    api.call("DELETE", "/customers/external:C")
    log = [entry for entry in running.requests() if entry.organisation == api.organisation]
    told = [
        (e.method, e.status, e.entity, e.external_id, e.customer, e.in_flight, e.ignored)
        for e in log
    ]
    assert told == [
        ("POST", 201, "customer", "C", "C", 1, ("zzz",)),
        ("POST", 201, "invoice", "I/1", "C", 1, ()),
        ("GET", 200, "invoice", "I/1", "C", 1, ()),
        ("GET", 200, "invoice", "I/1", "C", 1, ()),
        ("PUT", 200, "invoice", "I/1", "C", 1, ()),
        ("POST", 400, "payment", "P", "C", 1, ()),
        ("POST", 201, "contact", "k", "C", 1, ()),
        ("GET", 200, "invoice", None, "C", 1, ()),
        ("GET", 200, "invoice", None, None, 1, ()),
        ("GET", 404, None, None, None, 1, ()),
        ("DELETE", 204, "invoice", "I/1", "C", 1, ()),
        ("DELETE", 204, "customer", "C", "C", 1, ()),
    ]
    assert all(entry.arrived <= entry.answered for entry in log)
    assert log[2].path == "/v1/invoices/external:I%2F1"


def test_the_file_holds_one_json_line_per_request(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "requests.jsonl"
    with hub_process(tmp_path / "data", request_log=path) as process:
        pair = make_keys(process.data, "acme")
        api = Api(process.url, pair.key, pair.secret, "acme")
        api.post("/customers", customer("C"))
        api.get("/customers/external:C")
        api.headers = {}
        api.refused("GET", "/customers", status=401)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        api.close()
    assert [set(line) for line in lines] == [
        {
            "arrived",
            "answered",
            "organisation",
            "method",
            "path",
            "status",
            "entity",
            "external_id",
            "customer",
            "in_flight",
            "ignored",
            "time",
            "clock",
            "fault",
        }
    ] * 2, "without a valid key there is no organisation to log for"
    assert [(line["method"], line["customer"]) for line in lines] == [("POST", "C"), ("GET", "C")]
