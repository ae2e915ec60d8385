"""What a customer does in the portal, and what its organisation then sees: payments, disputes,
promises, statements."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hub_api import Api, credit_note, payment, to_invoice
from portal_desk import Desk

from headrace.testkit.hub import RunningHub
from portal_reader import Reader

IBAN = "DE89370400440532013000"


@pytest.fixture
def desk(running: RunningHub, api: Api) -> Desk:
    return Desk(running, api)


def test_a_selection_is_paid_by_one_payment_per_currency(desk: Desk) -> None:
    desk.settings(payments="on")
    page = desk.reader.selection(desk.ids["late"], desk.ids["later"], desk.ids["dollar"])
    assert "Total EUR €143.45 Total USD US$5.00 Open invoices 3 invoices" in page.words
    assert "Pay €143.45 + US$5.00" in page.words
    paid = desk.reader.post("/pay", page.fields("/pay"))
    references = re.findall(r"Reference: (UPF-\w+)", paid.words)
    assert paid.status == 200
    assert len(set(references)) == 2
    assert "We received your payment of €143.45" in paid.words
    payments = desk.api.get("/payments")["items"]
    assert {one["refNumber"] for one in payments} == set(references)
    assert {(one["currency"], one["amount"], one["instrument"]) for one in payments} == {
        ("EUR", 14345, "CARD"),
        ("USD", 500, "CARD"),
    }
    assert all("externalId" not in one or one["externalId"] is None for one in payments)
    assert {desk.invoice(name)["state"] for name in ("late", "later", "dollar")} == {"PAID"}
    again = desk.reader.post("/pay", page.fields("/pay"))
    assert again.status == 409
    assert "Select at least one invoice that is open." in again.words
    assert desk.api.get("/payments")["total"] == 2


def test_nobody_pays_another_amount_than_the_page_showed(desk: Desk) -> None:
    desk.settings(payments="on")
    page = desk.reader.selection(desk.ids["late"])
    links = [to_invoice("late", 345)]
    desk.api.post("/payments", payment("P", "C", 345, linkedInvoices=links))
    changed = desk.reader.post("/pay", page.fields("/pay"))
    assert changed.status == 409
    assert "The amount has changed since the page was shown." in changed.words
    assert "Pay €120.00" in changed.words
    assert desk.api.get("/payments")["total"] == 1


def test_a_failing_processor_books_nothing_and_none_takes_no_payments(desk: Desk) -> None:
    page = desk.reader.selection(desk.ids["late"])
    assert "Pay by card" not in page.words
    desk.settings(payments="failing")
    page = desk.reader.selection(desk.ids["late"])
    failed = desk.reader.post("/pay", page.fields("/pay"))
    assert failed.status == 402
    assert "The payment failed Nothing was charged." in failed.words
    desk.settings(payments="off")
    assert desk.reader.post("/pay", page.fields("/pay")).status == 404
    assert desk.api.get("/payments")["total"] == 0


def test_a_dispute_is_a_state_an_action_and_an_answer_until_it_is_settled(desk: Desk) -> None:
    page = desk.reader.selection(desk.ids["late"], desk.ids["later"])
    fields = [*page.fields("/dispute"), ("reason", "PRICE"), ("comment", "<b>10 %</b>\r\nless")]
    done = desk.reader.post("/dispute", fields)
    assert "We have noted the dispute and will contact you." in done.words
    assert done.words.count("In dispute") == 3  # two invoices, and the choice of states
    assert desk.invoice("late")["state"] == "DISPUTED"
    assert desk.api.get("/customers/external:C")["balance"] == 15345
    actions = desk.api.get("/actions")["items"]
    assert [(one["type"], one["source"], one["name"]) for one in actions] == [
        ("DISPUTE", "PORTAL", "Dispute, price: <b>10 %</b>\nless")
    ] * 2
    assert {one["carryingInvoice"]["externalId"] for one in actions} == {"late", "later"}
    answers = desk.control("GET", "/portal/answers")["answers"]
    (late,) = [one for one in answers if one["number"] == "No late"]
    assert (late["kind"], late["reason"], late["settledAt"]) == ("DISPUTE", "PRICE", None)
    assert late["customer"]["externalId"] == "C"
    settled = desk.control("POST", f"/portal/answers/{late['id']}/settle")
    assert settled["settledAt"] is not None
    assert desk.invoice("late")["state"] == "OVERDUE"
    assert desk.invoice("later")["state"] == "DISPUTED"


def test_a_disputed_invoice_that_is_paid_is_paid(desk: Desk) -> None:
    page = desk.reader.selection(desk.ids["late"])
    desk.reader.post("/dispute", [*page.fields("/dispute"), ("reason", "PRICE")])
    links = [to_invoice("late", 12345)]
    desk.api.post("/payments", payment("P", "C", 12345, linkedInvoices=links))
    assert desk.invoice("late")["state"] == "PAID"
    assert desk.api.call("DELETE", "/payments/external:P").status == 204
    assert desk.invoice("late")["state"] == "DISPUTED"
    assert desk.api.call("DELETE", "/invoices/external:late").status == 204
    assert desk.control("GET", "/portal/answers")["answers"] == []


def test_a_promise_has_a_day_and_a_later_one_replaces_it(desk: Desk) -> None:
    for day in ("2026-12-05", "2026-12-09"):
        page = desk.reader.selection(desk.ids["late"])
        done = desk.reader.post("/promise", [*page.fields("/promise"), ("day", day)])
    assert "We have noted that you will pay on 9 Dec 2026." in done.words
    assert "Promised for 9 Dec 2026" in done.words
    assert desk.invoice("late")["state"] == "OVERDUE"
    actions = desk.api.get("/actions?type=PROMISE_TO_PAY")["items"]
    assert [one["dueDate"] for one in actions] == [
        "2026-12-09T00:00:00.000Z",
        "2026-12-05T00:00:00.000Z",
    ]
    answers = desk.control("GET", "/portal/answers")["answers"]
    assert [(one["promisedFor"], one["settledAt"] is None) for one in answers] == [
        ("2026-12-09", True),
        ("2026-12-05", False),
    ]


@pytest.mark.parametrize(
    ("form", "fields", "said"),
    [
        ("/dispute", [("reason", "")], "Choose a reason."),
        ("/dispute", [("reason", "NONSENSE")], "Choose a reason."),
        ("/dispute", [("reason", "OTHER"), ("comment", " ")], "Say what it is about."),
        ("/dispute", [("reason", "PRICE"), ("comment", "x" * 2001)], "At most 2000 characters"),
        ("/promise", [], "Choose a day."),
        ("/promise", [("day", "5.12.2026")], "Choose a day."),
        ("/promise", [("day", "2026-02-30")], "Choose a day."),
        ("/promise", [("day", "2026-11-26")], "Choose today or a later day."),
        ("/promise", [("day", "2028-01-01")], "Choose a day within a year."),
    ],
)
def test_wrong_inputs_are_named_and_change_nothing(
    desk: Desk, form: str, fields: list[tuple[str, str]], said: str
) -> None:
    page = desk.reader.selection(desk.ids["late"])
    got = desk.reader.post(form, [*page.fields(form), *fields])
    assert got.status == 400
    assert f"Please check {said}" in got.words
    assert 'aria-invalid="true"' in got.text
    for _, value in fields:
        if value == "x" * 2001:
            assert value in got.text, "what was written is not lost"
    assert desk.api.get("/actions")["total"] == 0


def test_disputes_and_promises_can_be_switched_off(desk: Desk) -> None:
    page = desk.reader.selection(desk.ids["late"])
    desk.settings(disputes=False, promises=False)
    for form in ("/dispute", "/promise"):
        assert desk.reader.post(form, page.fields(form)).status == 404
    off = desk.reader.selection(desk.ids["late"]).words
    assert "Dispute" not in off
    assert "Promise to pay" not in off


def test_open_invoices_are_searched_filtered_and_sorted(desk: Desk) -> None:
    def shown(**fields: str) -> list[str]:
        page = desk.reader.get("", list(fields.items())).text
        return re.findall(r'aria-label="Choose No (\w+)"', page)

    assert shown() == ["late", "dollar", "now", "later"]
    assert shown(q="LATE") == ["late", "later"]
    assert shown(q="süd") == ["later"]
    assert shown(q="no such") == []
    assert shown(state="OVERDUE") == ["late", "dollar"]
    assert shown(state="DUE", currency="EUR") == ["now", "later"]
    assert shown(sort="due_down") == ["later", "now", "dollar", "late"]
    assert shown(sort="number") == ["dollar", "late", "later", "now"]
    assert shown(sort="open_down") == ["late", "later", "now", "dollar"]
    assert shown(sort="nonsense", state="x", currency="€", page="-1") == shown()
    everything = desk.reader.get("/selection", [("all", "1"), ("currency", "EUR")])
    assert "Total EUR €153.45 Open invoices 3 invoices" in everything.words


def test_a_parent_may_pick_a_child_and_a_child_sees_only_its_own(desk: Desk) -> None:
    child = desk.api.get("/customers/external:child")["id"]
    picked = desk.reader.get("", [("customer", child)]).words
    assert "No later" in picked
    assert "No late " not in picked
    own = Reader(desk.api.post("/customers/external:child/portal", {})["url"])
    assert "No late " not in own.get().words
    parent = desk.api.get("/customers/external:C")["id"]
    assert own.get("", [("customer", parent)]).status == 404
    foreign = own.selection(desk.ids["late"])
    assert foreign.status == 400
    assert "Select at least one invoice that is open." in foreign.words


def test_a_statement_has_every_line_of_all_currencies_with_its_balance(desk: Desk) -> None:
    desk.api.post("/credit_notes", credit_note("N", "C", 345, issuedAt="2026-11-02"))
    desk.api.post("/payments", payment("P", "C", 10000, validatedAt="2026-11-01"))
    period = [("from", "2016-01-01"), ("to", "2026-11-01")]
    got = desk.reader.get("/statement", [*period, ("format", "csv")])
    assert got.headers["content-type"] == "text/csv; charset=utf-8"
    name = 'attachment; filename="Nordwind 2016-01-01 2026-11-01.csv"'
    assert got.headers["content-disposition"] == name
    rows = list(csv.reader(io.StringIO(got.body.decode("utf-8-sig"))))
    assert rows[0][:4] == ["Date", "Kind", "Number", "Customer"]
    assert [[row[0], row[1], row[2], *row[5:]] for row in rows[1:]] == [
        ["", "Opening balance", "", "EUR", "", "", "153.45"],
        ["2026-11-01", "Payment", "P", "EUR", "", "100.00", "53.45"],
        ["", "Closing balance", "", "EUR", "", "", "53.45"],
        ["", "Opening balance", "", "USD", "", "", "5.00"],
        ["", "Closing balance", "", "USD", "", "", "5.00"],
    ]
    pdf = desk.reader.get("/statement", [*period, ("format", "pdf")])
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.body.startswith(b"%PDF-")
    assert desk.reader.get("/statement", [*period, ("format", "xls")]).status == 404
    for wrong in ([], [("from", "2026-02-01"), ("to", "2026-01-01")], [("from", "x"), ("to", "y")]):
        refused = desk.reader.get("/statement", [*wrong, ("format", "csv")])
        assert refused.status == 400
        assert "Choose two days, the first not after the last." in refused.words


def test_the_statement_closes_with_what_is_outstanding(desk: Desk) -> None:
    desk.api.post("/payments", payment("P", "C", 777, validatedAt="2026-11-01"))
    period = [("from", "2000-01-01"), ("to", "2026-11-27"), ("format", "csv")]
    rows = list(csv.reader(io.StringIO(desk.reader.get("/statement", period).body.decode())))
    closing = {row[5]: row[8] for row in rows if row[1] == "Closing balance"}
    assert closing == {"EUR": "145.68", "USD": "5.00"}
    assert "Outstanding €145.68" in desk.reader.get().words


def test_how_to_pay_names_the_account_and_the_reference(desk: Desk) -> None:
    assert "Please ask us for our bank details." in desk.reader.get().words
    desk.control("POST", "/bank_accounts", {"name": "Cash desk"})
    account = desk.control("POST", "/bank_accounts", {"name": "Main", "iban": IBAN})
    page = desk.reader.get()
    assert (
        "Account Main IBAN DE89 3704 0044 0532 0130 00 Amount €153.45 Reference D-1" in page.words
    )
    assert page.text.count('class="qr"') == 1, "dollars have no SEPA code"
    one = desk.reader.selection(desk.ids["late"])
    assert "Amount €123.45 Reference No late" in one.words
    other = desk.control("POST", "/bank_accounts", {"name": "Other", "iban": "NL91ABNA0417164300"})
    desk.settings(bankAccountId=other["id"])
    assert "NL91 ABNA 0417 1643 00" in desk.reader.get().words
    desk.control("DELETE", f"/bank_accounts/{other['id']}")
    assert "DE89 3704" in desk.reader.get().words
    assert account["iban"] == IBAN


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", ("Jetzt fällig", "Offene Rechnungen", "Überfällig", "123,45 €", "01.10.2026")),
        ("fr", ("À payer maintenant", "Factures ouvertes", "En retard", "123,45 €")),
        ("es", ("A pagar ahora", "Facturas abiertas", "Vencida", "123,45 €")),
    ],
)
def test_the_page_speaks_the_readers_language(
    desk: Desk, language: str, words: tuple[str, ...]
) -> None:
    by_header = Reader(desk.reader.link, f"{language},en;q=0.5").get()
    chosen = desk.reader.get("", [("lang", language)])
    for page in (by_header, chosen):
        assert f'<html lang="{language}">' in page.text
        for one in words:
            assert one in page.words.replace("\xa0", " ")
    assert f'name="lang" value="{language}"' in chosen.text, "forms keep the choice"


def test_a_seed_may_set_the_portal_up(desk: Desk) -> None:
    lines = (
        '{"method": "PUT", "path": "/_hub/organisations/{organisation}/portal", '
        '"body": {"name": "Seeded", "payments": "on"}}'
    )
    desk.control("POST", "/seed", lines.encode())
    assert desk.control("GET", "/portal")["payments"] == "on"
    assert "Seeded" in desk.reader.get().words


def test_a_part_of_one_invoice_can_be_paid(desk: Desk) -> None:
    desk.settings(payments="on")
    page = desk.reader.selection(desk.ids["late"])
    assert 'name="part"' in page.text
    whole = desk.api.get("/invoices/external:late")["amountOutstanding"]
    fields = page.fields("/pay")
    for wrong in (
        "",
        "0",
        "-1",
        "1,234.50",
        "1.2.3",
        "99999999",
        "1.234",
        "all",
        "\N{SUPERSCRIPT TWO}",
    ):
        refused = desk.reader.post("/pay", [*fields, ("part", wrong)])
        assert refused.status == 400, wrong
        assert "Write an amount such as 1234.50" in refused.words
    assert desk.api.get("/invoices/external:late")["amountOutstanding"] == whole
    paid = desk.reader.post("/pay", [*fields, ("part", "1,5")])
    assert paid.status == 200
    found = desk.api.get("/invoices/external:late")
    assert (found["amountOutstanding"], found["state"]) == (whole - 150, "OVERDUE")
    again = desk.reader.post("/pay", [*fields, ("part", "1")])
    assert again.status == 409, "the page showed another amount"
    several = desk.reader.selection(desk.ids["late"], desk.ids["later"])
    assert 'name="part"' not in several.text
    assert desk.reader.post("/pay", [*several.fields("/pay"), ("part", "1")]).status == 400
    desk.settings(partial=False)
    one = desk.reader.selection(desk.ids["late"])
    assert 'name="part"' not in one.text
    assert desk.reader.post("/pay", [*one.fields("/pay"), ("part", "1")]).status == 400
