"""After any writes in any order, the stored sums equal the counted ones."""

from __future__ import annotations

import random
import sqlite3

import pytest

from headrace.ledger.document import open_amount
from headrace.model.customer import Customer
from headrace.model.entity import BY_NAME, ENTITIES
from headrace.model.errors import RequestError
from headrace.model.reconciliation import Reconciliation, ReconciliationEntry
from headrace.model.reference import InvoiceLink, PaymentLink, external
from headrace.store.admin.check import check_database
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.customers import delete_customer, import_customer, put_customer
from headrace.store.records.document_rows import document_by_seq
from headrace.store.records.documents import delete_document, import_document, put_document
from headrace.store.records.reconciliations import reconcile
from headrace.store.records.references import Address

STEPS = 400


def _record(rng: random.Random, name: str) -> object:
    kind = BY_NAME[name].record
    amount = rng.randrange(0, 50)
    fields: dict[str, object] = {
        "external_id": f"{name}-{rng.randrange(12)}",
        "customer": external(f"c{rng.randrange(5)}"),
        "currency": rng.choice(["EUR", "EUR", "EUR", "USD"]),
    }
    if name in ("invoice", "credit_note"):
        fields |= {"custom_id": "n", "gross_amount": amount, "net_amount": amount}
        fields |= {"issued_at": "2026-01-01", "due_date": "2026-02-01"}
    else:
        fields |= {"amount": amount, "validated_at": "2026-01-05"}
    if name in ("credit_note", "payment") and rng.random() < 0.7:
        fields["linked_invoices"] = [
            InvoiceLink(
                amount_linked=rng.randrange(1, 20), invoice=external(f"invoice-{rng.randrange(12)}")
            )
            for _ in range(rng.randrange(3))
        ]
    if name == "refund" and rng.random() < 0.7:
        fields["linked_payments"] = [
            PaymentLink(
                amount_linked=rng.randrange(1, 20), payment=external(f"payment-{rng.randrange(12)}")
            )
        ]
    if rng.random() < 0.3:
        for name_ in ("customer", "currency"):
            if rng.random() < 0.5:
                fields.pop(name_)
    return kind(**fields)


def _reconcile(db: Connection, context: Context, rng: random.Random) -> None:
    amounts = [rng.randrange(1, 9) for _ in range(rng.randrange(3))]

    def side(name: str) -> list[ReconciliationEntry]:
        return [
            ReconciliationEntry(external_id=f"{name}-{rng.randrange(12)}", amount_linked=amount)
            for amount in amounts
        ]

    debit = rng.choice(["invoices", "refunds"])
    credit = rng.choice(["payments", "credit_notes"])
    sides = {name: side(name.removesuffix("s")) for name in (debit, credit)}
    reconcile(db, context, Reconciliation(external_id=f"r{rng.randrange(4)}", **sides))


def _step(db: Connection, context: Context, rng: random.Random) -> None:
    if rng.random() < 0.2:
        address = Address(external_id=f"c{rng.randrange(5)}")
        parent = rng.choice([None, external(f"c{rng.randrange(5)}")])
        choice = rng.random()
        if choice < 0.2:
            delete_customer(db, context, address)
        elif choice < 0.6:
            put_customer(db, context, address, Customer(parent=parent))
        else:
            import_customer(db, context, Customer(external_id=address.external_id, name="n"))
        return
    if rng.random() < 0.15:
        _reconcile(db, context, rng)
        return
    entity = rng.choice(ENTITIES[1:])
    record = _record(rng, entity.name)
    address = Address(external_id=record.external_id)  # type: ignore[attr-defined]
    choice = rng.random()
    if choice < 0.15:
        delete_document(db, context, entity, address)
    elif choice < 0.3:
        put_document(db, context, entity, address, record)
    else:
        import_document(db, context, entity, record)


@pytest.mark.parametrize("seed", range(6))
def test_stored_sums_equal_counted_ones_after_random_writes(
    db: Connection, context: Context, seed: int
) -> None:
    rng = random.Random(seed)
    done = refused = 0
    for n in range(5):
        import_customer(db, context, Customer(external_id=f"c{n}", name="n"))
    for step in range(STEPS):
        db.execute("SAVEPOINT step")
        try:
            _step(db, context, rng)
            done += 1
        except RequestError:
            db.execute("ROLLBACK TO step")
            refused += 1
        db.execute("RELEASE step")
        if step % 5 == 0 or step == STEPS - 1:
            assert [str(finding) for finding in check_database(db)] == []
    assert done > STEPS / 5, (done, refused)
    assert refused > STEPS / 20, (done, refused)


def test_the_index_of_open_documents_has_the_open_amounts(db: Connection, context: Context) -> None:
    """The balance reads only this index, so every document with an open amount must be in it."""
    rng = random.Random(99)
    for n in range(5):
        import_customer(db, context, Customer(external_id=f"c{n}", name="n"))
    for _ in range(200):
        db.execute("SAVEPOINT step")
        try:
            _step(db, context, rng)
        except RequestError:
            db.execute("ROLLBACK TO step")
        db.execute("RELEASE step")

    seqs = [row[0] for row in db.execute("SELECT seq FROM document")]
    with_open = {seq for seq in seqs if open_amount(document_by_seq(db, seq)) > 0}
    index = "INDEXED BY document_open" if isinstance(db, sqlite3.Connection) else ""
    rows = db.execute(f"SELECT seq FROM document {index} WHERE applied < amount")
    assert with_open == {row[0] for row in rows}
