"""The console's lists and records: what people find, how it adds up, and what they set."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from console_browser import Browser, Shown, add_person
from hub_api import Api, credit_note, customer, invoice, payment, to_invoice

from engines import ENGINES, database_of
from headrace.store.records import record_search
from headrace.testkit.hub import RunningHub, hub
from portal_reader import Reader

OWN = "/console/organisations/Lists%20%26%20co"
MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
NAMES = ("delta", "Beta", "Ärger", "alpha", "100 %_\\")


class Office:
    """An organisation with records, and somebody who looks at them."""

    def __init__(self, running: RunningHub) -> None:
        self.running = running
        add_person(running)
        pair = running.add_organisation("Lists & co")
        self.api = Api(running.url, pair.key, pair.secret, "Lists & co")
        self.browser = Browser(running).as_person()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return self.running.control.call(method, f"/organisations/Lists%20%26%20co{path}", body)

    def get(self, path: str, **parameters: str) -> Shown:
        shown = self.browser.get(OWN + path, **parameters)
        assert shown.status == 200, shown.words
        return shown

    def id_of(self, kind: str, name: str) -> str:
        return str(self.api.get(f"/{kind}/external:{name}")["id"])


@pytest.fixture(scope="module", params=ENGINES)
def office(request: pytest.FixtureRequest) -> Iterator[Office]:
    with ExitStack() as stack:
        database = database_of(request, request.param, stack)
        made = Office(stack.enter_context(hub(database=database, console=True)))
        made.control("POST", "/clock/freeze", {"at": "2026-11-27T10:00:00Z"})
        api = made.api
        for number, name in enumerate(NAMES):
            api.post("/customers", customer(f"c{number}", name=name, accountingRef=f"R{number}"))
        api.post("/customers", customer("child", name="Child", parent={"externalId": "c0"}))
        for number in range(120):
            due = f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"
            more = {"issuedAt": f"2025-{number % 12 + 1:02}-15", "dueDate": due}
            owner = f"c{number % 4}"
            api.post("/invoices", invoice(f"i{number:03}", owner, 100 + number, **more))
        api.post("/payments", payment("p", "c0", 150, linkedInvoices=[to_invoice("i000", 100)]))
        api.post("/credit_notes", credit_note("n", "c0", 30, currency="USD"))
        yield made
        api.close()


def _all(office: Office, path: str, **parameters: str) -> list[str]:
    """Return the rows of all pages of a list."""
    shown = office.get(path, **parameters)
    rows = shown.rows()
    while (more := re.search(r'href="([^"]+)" rel="next"', shown.text)) is not None:
        shown = office.get(more[1].replace("&amp;", "&").removeprefix(OWN.replace("%20", "%20")))
        rows += shown.rows()
    return rows


@pytest.mark.parametrize("sort", ["", "new", "date", "-date", "amount", "-amount"])
def test_pages_of_a_list_have_each_document_once_and_in_order(office: Office, sort: str) -> None:
    rows = _all(office, "/invoices", sort=sort)
    names = [row.split()[-1] for row in rows]
    assert sorted(names) == [f"i{number:03}" for number in range(120)]
    if sort in ("amount", "new"):
        assert names == sorted(names)
    elif sort in ("-amount", ""):
        assert names == sorted(names, reverse=True)
    else:
        months = [int(name[1:]) % 12 for name in names]
        assert months == sorted(months, reverse=sort == "-date")


def test_a_list_is_filtered_by_state_days_currency_and_customer(office: Office) -> None:
    today = "2026-11-27"
    due = {n: f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}" for n in range(1, 120)}
    late = sorted(n for n, day in due.items() if day < today)
    rows = _all(office, "/invoices", state="OVERDUE")
    assert [due[int(row.split()[-1][1:])] for row in rows] == sorted(due[n] for n in late)
    for sort in ("-due", "amount"):
        assert len(_all(office, "/invoices", state="OVERDUE", sort=sort)) == len(late)
    assert len(_all(office, "/invoices", state="DUE")) == 119 - len(late)
    assert len(_all(office, "/invoices", state="OPEN")) == 119
    assert _all(office, "/invoices", state="PAID") == ["No i000 i000"]
    for sort in ("date", "amount"):
        wanted = {"from": "2025-02-01", "to": "2025-03-31", "sort": sort}
        assert len(_all(office, "/invoices", **wanted)) == 20
    assert _all(office, "/invoices", currency="USD") == []
    assert _all(office, "/credit-notes", currency="USD") == ["No n n"]
    assert _all(office, "/payments", state="OPEN") == ["p"]
    assert _all(office, "/payments", state="PAID") == []
    owner = office.id_of("customers", "c1")
    mine = _all(office, "/invoices", customer=owner, sort="amount")
    assert [row.split()[-1] for row in mine] == [f"i{n:03}" for n in range(1, 120, 4)]
    assert "Of the customer Beta only." in office.get("/invoices", customer=owner).words
    assert office.browser.get(OWN + "/invoices", customer="nobody").status == 404


def test_records_are_found_by_ids_numbers_and_names(office: Office) -> None:
    for words, expected in (
        ("i007", ["No i007 i007"]), ("NO I007", ["No i007 i007"]),
        (office.id_of("invoices", "i008"), ["No i008 i008"]), ("customid", []),
    ):  # fmt: skip
        assert _all(office, "/invoices", q=words) == expected
    assert len(_all(office, "/invoices", q="i00")) == 10
    assert len(_all(office, "/invoices", q="no i00")) == 10
    assert _all(office, "/invoices", q="No I000", state="PAID") == ["No i000 i000"]
    assert _all(office, "/invoices", q="No I000", state="OPEN") == []
    later = {"q": "no i00", "from": "2025-06-01", "to": "2025-08-31"}
    assert len(_all(office, "/invoices", **later)) == 3
    assert _all(office, "/payments", q="P", state="OPEN") == ["p"]
    assert len(_all(office, "/invoices", q="beta")) == 30
    for words, expected in (
        ("BET", ["Beta c1"]), ("R3", ["alpha c3"]), ("c4", ["100 %_\\ c4"]), ("%_\\", None),
        ("ärger", []), ("Ärger", ["Ärger c2"]), ("x@example.com", []),
    ):  # fmt: skip
        wanted = ["100 %_\\ c4"] if expected is None else expected
        assert _all(office, "/customers", q=words) == wanted
    names = [row.rsplit(" ", 1)[0] for row in _all(office, "/customers", sort="name")]
    assert names == ["100 %_\\", "alpha", "Beta", "Child", "delta", "Ärger"]
    assert _all(office, "/customers", state="UNAPPLIED") == ["delta c0"]
    assert len(_all(office, "/customers", state="OVERDUE")) == 4
    nothing = office.get("/customers", q="nobody at all").words
    assert "Nothing is found" in nothing


def test_a_long_search_goes_on_where_it_ended(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, str]] = [
        {"state": "PAID"}, {"q": "i11"}, {"q": "beta", "sort": "amount"},
        {"state": "OVERDUE", "sort": "-amount"}, {"q": "alpha", "state": "OPEN"},
        {"currency": "USD"}, {"from": "2025-03-01", "to": "2025-03-31"},
    ]  # fmt: skip
    whole = [sorted(_all(office, "/invoices", **one)) for one in asked]
    monkeypatch.setattr(record_search, "LOOKED_AT", 30)
    monkeypatch.setattr(record_search, "_LOOKED_AT_FIRST", 5)
    shown = office.get("/invoices", currency="USD")
    assert "This page looked at 30 rows and found nothing." in shown.words
    assert "Continue the search" in shown.words
    parts = [_all(office, "/invoices", **one) for one in asked]
    assert [sorted(set(one)) for one in parts] == whole
    assert all(len(set(one)) == len(one) for one in parts), "no row comes twice"


def test_everything_is_found_by_its_name(office: Office) -> None:
    shown = office.get("/find", q="i00")
    assert "Invoices" in shown.words
    assert len(shown.rows()) == 10
    words = office.get("/find", q="p").words
    assert "alpha c3" in words
    assert "p delta 2016-02-03 EUR 1.50" in words
    assert "More" not in words
    assert "More invoices" in office.get("/find", q="no i").words
    assert "Nothing is found" in office.get("/find", q="no such thing").words
    assert "Write an id" in office.get("/find").words


def test_wrong_parameters_ask_for_nothing(office: Office) -> None:
    for wrong in (
        {"state": "x"}, {"sort": "seq; DROP TABLE document"}, {"currency": "euro"},
        {"from": "tomorrow"}, {"after": "x.y"}, {"after": "9" * 30 + ".1"}, {"sort": "due"},
    ):  # fmt: skip
        assert len(office.get("/invoices", **wrong).rows()) == 50, wrong
    office.get("/invoices", sort="amount", after="1.x")
    office.get("/invoices", q="\0", customer="\0" * 3)


def test_a_list_as_csv_has_every_row_and_no_formula(office: Office) -> None:
    shown = office.get("/invoices.csv", sort="amount")
    assert shown.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert shown.headers["Content-Disposition"].startswith('attachment; filename="Lists _ co inv')
    lines = list(csv.DictReader(io.StringIO(shown.text.removeprefix("\N{BOM}"))))
    assert [line["externalId"] for line in lines] == [f"i{n:03}" for n in range(120)]
    assert lines[1] | {"id": "", "customerId": ""} == {
        "id": "", "externalId": "i001", "number": "No i001", "customerId": "",
        "customerExternalId": "c1", "customer": "Beta", "date": "2025-02-15",
        "dueDate": "2026-02-02", "currency": "EUR", "amount": "1.01", "open": "1.01",
        "state": "Overdue",
    }  # fmt: skip
    office.api.post("/customers", customer("f", name="=1+1"))
    text = office.get("/customers.csv").text
    assert ",'=1+1," in text
    assert office.api.call("DELETE", "/customers/external:f").status == 204


def test_a_customers_balance_is_explained(office: Office) -> None:
    words = office.get(f"/customers/{office.id_of('customers', 'c0')}").words
    answer = office.api.get("/customers/external:c0")
    assert f"Balance EUR {answer['balance'] / 100:.2f}" in words
    assert "Payments, not applied 1 EUR -0.50 " in words
    assert "Credit notes, not applied 1 USD -0.30 100 % Balance in USD USD -0.30" in words
    assert "/customers/external:" not in words
    assert '"externalId": "c0"' in words


def test_values_of_a_customer_have_their_labels(office: Office) -> None:
    for name, kind in (("Region", "SELECT"), ("Tags", "MULTI_SELECT"), ("Limit", "NUMBER")):
        field = {"label": name, "dataType": kind, "entityType": "CUSTOMER", "externalId": name}
        office.api.post("/custom_fields", field)
    values = [
        {"externalId": "Region", "value": {"label": "North"}},
        {"externalId": "Tags", "value": [{"label": "a"}, {"label": "b"}]},
        {"externalId": "Limit", "value": "12345678901234567890.5"},
    ]
    office.api.call("PUT", "/customers/external:child", {"customFields": values})
    words = office.get(f"/customers/{office.id_of('customers', 'child')}").words
    assert "Region North Tags a, b Limit 12345678901234567890.5" in words


def test_a_document_shows_its_parts_and_its_history(office: Office) -> None:
    words = office.get(f"/payments/{office.id_of('payments', 'p')}").words
    assert "Not applied EUR 0.50 Amount EUR 1.50 Applied EUR 1.00" in words
    assert "No i000 invoice EUR 1.00 Left not applied EUR 0.50" in words
    paid = office.get(f"/invoices/{office.id_of('invoices', 'i000')}").words
    assert "p payment EUR 1.00" in paid
    assert "Invoice No i000 Paid" in paid
    assert office.browser.get(f"{OWN}/payments/{office.id_of('invoices', 'i000')}").status == 404


def test_what_only_people_set_shows_in_the_api_balances_and_the_portal(office: Office) -> None:
    api, browser = office.api, office.browser
    api.post("/customers", customer("m", name="Marked"))
    for name, amount in (("m1", 1000), ("m2", 500)):
        api.post("/invoices", invoice(name, "m", amount, dueDate="2026-01-01"))
    api.post("/payments", payment("mp", "m", 200, linkedInvoices=[to_invoice("m1", 200)]))
    first, second = (f"{OWN}/invoices/{office.id_of('invoices', name)}" for name in ("m1", "m2"))
    portal = Reader(api.post("/customers/external:m/portal", {})["url"])

    def set_state(place: str, status: int = 303, **fields: str) -> Shown:
        shown = browser.send(f"{place}/state", fields)
        assert shown.status == status, shown.words
        return shown

    def balance() -> tuple[int, str, str]:
        states = [api.get(f"/invoices/external:{name}")["state"] for name in ("m1", "m2")]
        return api.get("/customers/external:m")["balance"], *states

    assert balance() == (1300, "OVERDUE", "OVERDUE")
    refused = set_state(first, 400, action="void").words
    assert "Invoice m1 can't be voided while EUR 2.00 is applied to it" in refused
    assert "Choose a reason." in set_state(first, 400, action="dispute").words
    long = {"reason": "PRICE", "comment": "x" * 2_001}
    assert "at most 2,000" in set_state(first, 400, action="dispute", **long).words
    set_state(first, 400, action="explode")
    set_state(first, action="dispute", reason="PRICE", comment=MARKUP)
    assert balance() == (1300, "DISPUTED", "OVERDUE")
    assert "In dispute" in portal.get().words
    (action,) = api.get("/actions?customerId=external:m")["items"]
    assert (action["type"], action["source"], action["state"]) == ("DISPUTE", "MANUAL", "TODO")
    set_state(first, action="restore")
    (action,) = api.get("/actions?customerId=external:m")["items"]
    assert action["state"] == "EXECUTED"
    page = browser.get(f"{OWN}/customers/{office.id_of('customers', 'm')}").words
    assert "Dispute, price" in page
    assert "2026-11-27, dispute, No m1 executed" in page
    set_state(first, action="write-off")
    assert balance() == (500, "WRITTEN_OFF", "OVERDUE")
    assert "No m1" not in portal.get().words
    set_state(first, 400, action="write-off")
    set_state(first, 400, action="dispute", reason="PRICE")
    set_state(second, action="void")
    assert balance() == (0, "WRITTEN_OFF", "VOIDED")
    set_state(first, action="restore")
    set_state(second, action="restore")
    assert balance() == (1300, "OVERDUE", "OVERDUE")
    for _ in range(500):  # the journal is written within a fraction of a second
        history = browser.get(first).words.partition("History")[2]
        if history.count("200 console") == 4:
            break
    else:
        raise AssertionError(history)
    assert "nothing to dispute" in office.get(f"/invoices/{office.id_of('invoices', 'i000')}").words


def test_values_of_payments_are_given_here(office: Office) -> None:
    api = office.api
    place = f"{OWN}/payments/{office.id_of('payments', 'p')}"
    kinds = ("TEXT", "NUMBER", "DATE", "BOOLEAN", "SELECT", "MULTI_SELECT")
    for kind in kinds:
        api.post("/custom_fields", {"label": kind, "dataType": kind, "entityType": "PAYMENT"})
    api.post("/custom_fields", {"label": "of C", "dataType": "TEXT", "entityType": "CREDIT_NOTE"})
    ids = {one["label"]: one["id"] for one in api.get("/custom_fields")["items"]}
    given = ("=1+1 <b>", "12345678901234567890.5", "2026-11-27", "true", "Red", "One\r\nTwo\r\n")
    fields = {ids[kind]: value for kind, value in zip(kinds, given, strict=True)}
    assert office.browser.send(f"{place}/values", fields).status == 303
    stored = {one["id"]: one["value"] for one in api.get("/payments/external:p")["customFields"]}
    assert stored[ids["MULTI_SELECT"]] == [{"label": "One"}, {"label": "Two"}]
    assert stored[ids["SELECT"]] == {"label": "Red"}
    page = office.browser.get(place).text
    assert 'value="12345678901234567890.5"' in page
    assert "=1+1 &lt;b&gt;" in page
    assert "One\nTwo</textarea>" in page
    for kind, wrong, said in (
        ("NUMBER", "many", "write a number"), ("DATE", "soon", "write a day"),
        ("BOOLEAN", "perhaps", "choose yes or no"), ("SELECT", "x" * 251, "at most 250"),
    ):  # fmt: skip
        shown = office.browser.send(f"{place}/values", {ids[kind]: wrong})
        assert (shown.status, said in shown.words) == (400, True)
    assert office.browser.send(f"{place}/values", {ids["of C"]: "x"}).status == 303
    assert office.browser.send(f"{place}/values", {ids["TEXT"]: ""}).status == 303
    after = {one["id"]: one["value"] for one in api.get("/payments/external:p")["customFields"]}
    assert after[ids["TEXT"]] is None
    assert after[ids["NUMBER"]] == stored[ids["NUMBER"]]
    assert ids["of C"] not in after


def test_a_link_to_the_portal_is_shown_once_and_revoked(office: Office) -> None:
    place = f"/customers/{office.id_of('customers', 'child')}"
    for wrong in ({"lasts": "for ever"}, {"lasts": "1 day", "hosts": "; script-src *"}):
        assert office.browser.send(f"{OWN}{place}/portal", wrong).status == 400
    made = office.browser.send(f"{OWN}{place}/portal", {"lasts": "25 days"})
    url = re.search(r"http://[^<\s]+/portal/[\w-]+", made.text)
    assert url is not None
    assert Reader(url[0]).get().status == 200
    shown = office.get(place)
    assert url[0] not in shown.text
    link = re.search(r'name="link" value="([^"]+)"', shown.text)
    assert link is not None
    other = f"{OWN}/customers/{office.id_of('customers', 'c1')}/revoke"
    assert office.browser.send(other, {"link": link[1]}).status == 400
    assert Reader(url[0]).get().status == 200
    assert office.browser.send(f"{OWN}{place}/revoke", {"link": link[1]}).status == 303
    assert Reader(url[0]).get().status == 410


def test_markup_in_any_record_is_text(office: Office) -> None:
    api = office.api
    contact = {"email": "a@b.example", "firstName": MARKUP, "position": "PAYER"}
    address = {"address": MARKUP, "city": MARKUP}
    made = customer("x", name=MARKUP, accountingRef=MARKUP, contacts=[contact], address=address)
    api.post("/customers", made)
    api.post("/customers/external:x/notes", {"content": MARKUP})
    api.post("/invoices", invoice("x", "x", customId=MARKUP, name=MARKUP))
    api.post("/payments", payment("x", "x", refNumber=MARKUP))
    for path in (
        f"/customers/{office.id_of('customers', 'x')}",
        f"/invoices/{office.id_of('invoices', 'x')}",
        f"/payments/{office.id_of('payments', 'x')}", "/customers", "/invoices", "/payments",
        "/requests",
    ):  # fmt: skip
        text = office.get(path, q="", match="").text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
    assert "<script>alert" not in office.get("/invoices", q=MARKUP).text
