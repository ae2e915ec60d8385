"""`hub check`: a valid database has no findings, and each kind of damage is found and named."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headrace.cli.hub import app
from headrace.model.collection import ActionDraft, NoteDraft
from headrace.model.contact import Contact
from headrace.model.customer import Customer
from headrace.model.entity import CREDIT_NOTE, INVOICE, PAYMENT, REFUND
from headrace.model.errors import ConfigurationError
from headrace.model.invoice import Invoice
from headrace.model.payment import Payment
from headrace.model.reference import InvoiceLink, PaymentLink, external
from headrace.model.refund import Refund
from headrace.store.admin.check import SENTENCES, check_database
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.engine.sqlite import connect, transact
from headrace.store.records.actions import make_action
from headrace.store.records.customers import import_customer
from headrace.store.records.documents import import_document
from headrace.store.records.notes import make_note
from headrace.store.records.references import Address
from headrace.testkit.hub import hub, make_keys

AMOUNTS = {"custom_id": "n", "gross_amount": 100, "net_amount": 100}
DATES = {"issued_at": "2026-01-01", "due_date": "2026-02-01"}


@pytest.fixture
def books(db: Connection, context: Context) -> Iterator[Connection]:
    """Two customers of a family with an invoice, a payment of it and its refund; constraints that
    would prevent damage are off."""
    contacts = [Contact(email="a@x.io", external_id="a"), Contact(email="b@x.io")]
    import_customer(db, context, Customer(external_id="P", name="P", contacts=contacts))
    import_customer(db, context, Customer(external_id="C", name="C", parent=external("P")))
    import_customer(db, context, Customer(external_id="X", name="X"))
    owner = external("C")
    invoice = Invoice(external_id="I", customer=owner, currency="EUR", **AMOUNTS, **DATES)
    import_document(db, context, INVOICE, invoice)
    paid = {"currency": "EUR", "amount": 100, "validated_at": "2026-01-05"}
    link = InvoiceLink(amount_linked=60, invoice=external("I"))
    payment = Payment(external_id="A", customer=external("P"), linked_invoices=[link], **paid)
    import_document(db, context, PAYMENT, payment)
    back = PaymentLink(amount_linked=40, payment=external("A"))
    refund = Refund(external_id="R", customer=external("P"), linked_payments=[back], **paid)
    import_document(db, context, REFUND, refund)
    make_note(db, context, Address(external_id="C"), NoteDraft(content="n"))
    make_action(db, context, ActionDraft(name="a", type="EMAIL"))
    if isinstance(db, sqlite3.Connection):
        db.execute("PRAGMA defer_foreign_keys=ON")
        db.execute("PRAGMA ignore_check_constraints=ON")
    else:
        db.execute("SET LOCAL session_replication_role = replica")
        db.execute("ALTER TABLE document DROP CONSTRAINT document_check")
        db.execute("ALTER TABLE allocation DROP CONSTRAINT allocation_amount_check")
    yield db
    if isinstance(db, sqlite3.Connection):
        db.execute("PRAGMA ignore_check_constraints=OFF")


DAMAGE = """
amounts: UPDATE document SET applied = 101 WHERE external_id = 'I'
    invoice I: 101 are applied of 100: it must lie between nothing and all
applied: UPDATE document SET applied = 59 WHERE external_id = 'I'
    invoice I: it says that 59 are applied, its links add up to 60
applied: DELETE FROM allocation WHERE amount = 40
    refund R: it says that 40 are applied, its links add up to 0
owners: UPDATE document SET customer = 9999 WHERE external_id = 'I'
    invoice I: its customer, number 9999, does not exist in its organisation
link_ends: DELETE FROM document WHERE external_id = 'I'
    it must link two documents of one organisation with an amount
link_ends: UPDATE allocation SET amount = -60 WHERE amount = 60
    it must link two documents of one organisation with an amount
link_pairs: UPDATE document SET currency = 'USD' WHERE external_id = 'I'
    payment A: it may not be linked to invoice I (EUR and USD)
link_pairs: UPDATE document SET customer = {X} WHERE external_id = 'I'
    payment A: it may not be linked to invoice I (EUR and EUR)
link_pairs: UPDATE document SET entity = 'invoice' WHERE external_id = 'A'
    invoice A: it may not be linked to invoice I (EUR and EUR)
balances: UPDATE document SET applied = 61 WHERE external_id = 'I'
    all documents in EUR: invoices and refunds have 1 more applied than payments
parents: UPDATE customer SET parent = {X} WHERE name = 'P'
    customer C: its parent (P) must exist in its organisation and have no parent
parents: UPDATE customer SET parent = 9999 WHERE name = 'C'
    customer C: its parent (None) must exist
homes: UPDATE customer SET organisation = 9999 WHERE name = 'X'
    customer X: its organisation, number 9999, does not exist
counted_documents: UPDATE counter SET total = 2 WHERE entity = 'invoice' AND customer > 0
    customer C, invoices in EUR: 2 are counted, there are 1
counted_documents: DELETE FROM counter WHERE entity = 'refund' AND customer > 0
    customer P, refunds in EUR: 0 are counted, there are 1
counted_beside: DELETE FROM note
    customer C, notes: 1 are counted, there are 0
counted_in_all: UPDATE counter SET total = total + 1 WHERE entity = 'customer'
    all customers: 4 are counted, there are 3
counted_in_all: DELETE FROM action
    all actions: 1 are counted, there are 0
counted_labels: INSERT INTO custom_key (field, key, total) VALUES ({F}, 'One', 3)
    custom field F, One: 3 values are counted, there are 0
values: INSERT INTO custom_value (owner, field, place, value) VALUES (9999, {F}, 0, '1')
    custom field F: it has a value for number 9999, which is no CUSTOMER
pdfs: UPDATE document SET pdf = 'gone' WHERE external_id = 'I'
    invoice I: its PDF gone is none that is kept
contacts: UPDATE customer SET contacts = replace(contacts, ':true', ':false')
    customer P: it has 0 main contacts instead of one
contacts: UPDATE customer SET contacts = replace(contacts, 'a@x.io', 'B@x.io')
    customer P: two of its contacts have the same e-mail
contacts: UPDATE customer SET contacts = '[{}]' WHERE name = 'P'
    customer P: its contacts can't be read: Object missing required field `email`
"""
"""The check, a statement that does the damage, and what is told of it."""
_LINES = DAMAGE.strip().splitlines()
_SEQS = {
    "{X}": "(SELECT seq FROM customer WHERE name = 'X')",
    "{F}": "(SELECT seq FROM custom_field)",
}
CASES = [
    (*damage.split(": ", 1), told.strip())
    for damage, told in zip(_LINES[::2], _LINES[1::2], strict=True)
]


def _add_field(db: Connection, context: Context) -> None:
    values = (context.organisation.seq, "CUSTOMER", "field-id", "F", "SELECT", "2026", "{}")
    db.execute(
        "INSERT INTO custom_field (organisation, entity, id, external_id, data_type, created_at, "
        "body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    db.execute(
        "INSERT INTO counter (organisation, customer, entity, currency, total) "
        "VALUES (?, 0, 'custom_field', '', 1)",
        values[:1],
    )


@pytest.mark.parametrize(("check", "statement", "told"), CASES)
def test_each_kind_of_damage_is_found_and_named(
    books: Connection, context: Context, check: str, statement: str, told: str
) -> None:
    _add_field(books, context)
    assert list(check_database(books)) == [], "before"
    for name, seq in _SEQS.items():
        statement = statement.replace(name, seq)
    books.execute(statement)
    found = [finding for finding in check_database(books) if finding.check == check]
    assert any(told in str(finding) for finding in found), list(map(str, found))
    assert len(found) <= 2, "it points at what is wrong, not at everything"
    if check != "homes":
        assert {finding.organisation for finding in found} == {"acme"}


def test_every_check_has_a_test() -> None:
    assert {case[0] for case in CASES} == {*SENTENCES, "contacts"}


def test_valid_links_of_every_kind_have_no_findings(db: Connection, context: Context) -> None:
    import_customer(db, context, Customer(external_id="C", name="C"))
    fields = {"customer": external("C"), "currency": "JPY", **AMOUNTS, **DATES}
    large = {**fields, "gross_amount": 2**63 - 1, "net_amount": 0}
    for n in range(3):
        import_document(db, context, INVOICE, Invoice(external_id=f"I{n}", **large))
        link = InvoiceLink(amount_linked=2**63 - 1, invoice=external(f"I{n}"))
        note = CREDIT_NOTE.record(external_id=f"N{n}", linked_invoices=[link], **large)
        import_document(db, context, CREDIT_NOTE, note)
    assert list(check_database(db)) == [], "sums beyond 64 bits too"


def test_the_command_works_while_a_hub_runs(tmp_path: Path) -> None:
    with hub(folder=tmp_path) as running:
        sound = CliRunner().invoke(app, ["check", *running.options])
        assert (sound.exit_code, sound.output) == (0, "All is as it should be.\n")
        db = connect(tmp_path / "hub.db")
        db.execute(
            "INSERT INTO counter (organisation, customer, entity, currency, total) "
            "VALUES (1, 0, 'invoice', '', 7)"
        )
        db.close()
        told = "all invoices: 7 are counted, there are 0"
        damaged = CliRunner().invoke(app, ["check", *running.options])
        assert damaged.output == f"test, {told} (counted_in_all)\n"
        assert damaged.exit_code == 3
        document = CliRunner().invoke(app, ["check", *running.options, "--json"])
        assert document.exit_code == 3
        assert json.loads(document.output) == [
            {
                "check": "counted_in_all",
                "organisation": "test",
                "subject": "all invoices",
                "problem": "7 are counted, there are 0",
            }
        ]


def test_the_command_refuses_invalid_arguments(tmp_path: Path) -> None:
    def refused(*arguments: str) -> str:
        with pytest.raises(ConfigurationError) as caught:
            CliRunner().invoke(app, ["check", *arguments], catch_exceptions=False)
        return str(caught.value)

    assert "There is no hub in" in refused("--data", str(tmp_path))
    assert "--data DIR, or --database" in refused()
    make_keys(tmp_path, "acme")
    db = connect(tmp_path / "hub.db")
    transact(db, lambda d: d.execute("UPDATE meta SET value = 0 WHERE name = 'schema'"))
    db.close()
    assert "start the hub once" in refused("--data", str(tmp_path))
