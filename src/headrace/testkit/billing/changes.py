"""Makes realistic changes to a generated database, and names the records that each affects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from msgspec import Struct

from headrace.model.money import EXPONENTS
from headrace.testkit.billing.database import Database, Row, opened
from headrace.testkit.billing.family import decimal
from headrace.testkit.billing.generator import TODAY
from headrace.testkit.billing.schema import IDENTIFIERS

Dirty = frozenset[tuple[str, str]]


class Change(Struct, frozen=True):
    """One event in the billing system."""

    kind: str
    """Kind of the change, a key of `KINDS`."""
    description: str
    dirty: Dirty
    """(entity, external id) of each record whose payload changes; each needs one request."""


def changes(database: str | Path, seed: int, count: int) -> list[Change]:
    """Apply `count` changes in one transaction and return them.

    No two of them touch the same document, so the union of their `dirty` sets is exactly what a
    sync must send. The kinds alternate in random order; the same database, seed and count give the
    same changes. Raises ValueError when the database is too small for that many.
    """
    with opened(database) as connection:
        return _Changer(connection, Random(seed), count).apply(count)


class _Changer:
    """Chooses targets that have not been changed yet, by the seed."""

    def __init__(self, database: Database, random: Random, count: int) -> None:
        self._database = database
        self._random = random
        self._last = {
            table: int(database.rows(f"select coalesce(max({column}), 0) from {table}")[0][0])
            for table, column in IDENTIFIERS.items()
        }
        reach = 20 * count + 200
        # Invoices that nothing has settled: (bill_id, client_no, currency, total).
        self._open = self._shuffled(
            "select bill_id, client_no, currency, total from bills where kind = 'INVOICE' "
            "and settled_on is null and not exists (select 1 from applied "
            "where target_kind = 'BILL' and target_id = bill_id) "
            f"order by bill_id desc limit {reach}"
        )
        self._notes = self._shuffled(
            "select bill_id, client_no, currency, total from bills where kind = 'CREDIT' "
            "and not exists (select 1 from applied where source_kind = 'CREDIT' "
            "and source_id = bill_id) and not exists (select 1 from applied "
            f"where target_kind = 'CREDIT' and target_id = bill_id) order by bill_id limit {reach}"
        )
        self._clients = self._shuffled(f"select client_no from clients order by 1 limit {reach}")
        self._people = self._shuffled(
            f"select distinct person_id, given_name from people order by 1 limit {reach}"
        )
        self._moved: set[int] = set()
        # Each is tried once as the target of an allocation that moves.
        self._unvisited = list(self._open)
        self._used: set[int] = set()

    def apply(self, count: int) -> list[Change]:
        done: list[Change] = []
        while len(done) < count:
            before = len(done)
            for kind in self._random.sample(sorted(KINDS), len(KINDS)):
                change = KINDS[kind](self) if len(done) < count else None
                if change is not None:
                    done.append(Change(kind, *change))
            if len(done) == before:
                raise ValueError(f"only {before} of {count} changes fit into this database")
        return done

    def payment_arrives(self) -> tuple[str, Dirty] | None:
        if (found := self._take_open()) is None:
            return None
        bill, client, currency, total = found
        receipt = self._pay(client, currency, total)
        self._apply("RECEIPT", receipt, "BILL", bill, total)
        return f"payment {receipt} settles invoice {bill}", _dirty("payment", receipt)

    def contact_moves(self) -> tuple[str, Dirty] | None:
        if not self._people:
            return None
        person, name = self._people.pop()
        mail = f"{name}.{person}.{self._random.randint(1, 10**6)}@new.test".lower()
        self._database.run("update people set mail = ? where person_id = ?", mail, person)
        found = "select client_no from people where person_id = ? order by 1"
        clients = [row[0] for row in self._database.rows(found, person)]
        dirty = frozenset(("customer", str(client)) for client in clients)
        return f"contact {person} of customers {clients} has a new e-mail address", dirty

    def invoice_is_issued(self) -> tuple[str, Dirty] | None:
        client = self._random.choice(self._clients)[0] if self._clients else None
        if client is None:
            return None
        total = self._random.randint(1_000, 2_000_000)
        bill = self._bill("INVOICE", client, "EUR", total)
        return f"invoice {bill} is issued to customer {client}", _dirty("invoice", bill)

    def invoice_is_credited(self) -> tuple[str, Dirty] | None:
        if (found := self._take_open()) is None:
            return None
        bill, client, currency, total = found
        amount = minor_of(total, currency)
        credited = self._random.randint(1, amount)
        note = self._bill("CREDIT", client, currency, credited)
        self._apply("CREDIT", note, "BILL", bill, decimal(credited, currency))
        return f"credit note {note} is applied to invoice {bill}", _dirty("credit_note", note)

    def invoice_is_corrected(self) -> tuple[str, Dirty] | None:
        if (found := self._take_open()) is None:
            return None
        bill, _, currency, total = found
        text = decimal(minor_of(total, currency) + self._random.randint(1, 999), currency)
        self._database.run("update bills set total = ? where bill_id = ?", text, bill)
        return f"invoice {bill} is corrected to {text} {currency}", _dirty("invoice", bill)

    def allocation_moves(self) -> tuple[str, Dirty] | None:
        """Move an allocation of a payment to another invoice of the same client."""
        while self._unvisited:
            bill, client, currency, total = self._unvisited.pop()
            if bill in self._used:
                continue
            found = self._movable_to(client, currency, minor_of(total, currency))
            if found is None:
                continue
            receipt, old = found
            self._database.run(
                "update applied set target_id = ? where source_kind = 'RECEIPT' "
                "and source_id = ? and target_kind = 'BILL' and target_id = ?",
                bill,
                receipt,
                old,
            )
            self._used.add(bill)
            self._moved.add(receipt)
            words = f"payment {receipt} moves from invoice {old} to {bill}"
            return words, _dirty("payment", receipt)
        return None

    def _movable_to(self, client: int, currency: str, room: int) -> tuple[int, int] | None:
        """Return (receipt, bill) of an allocation of the client, of at most `room`."""
        # `+ 0` keeps SQLite from using the index of that order, which it would scan from the end.
        for receipt, old, amount, ticked_off in self._database.rows(
            "select a.source_id, a.target_id, a.amount, b.settled_on from money_in m "
            "join applied a on a.source_kind = 'RECEIPT' and a.source_id = m.receipt_id "
            "join bills b on b.bill_id = a.target_id "
            "where m.client_no = ? and m.currency = ? and a.target_kind = 'BILL' "
            "order by a.source_id + 0 desc, a.target_id limit 5",
            client,
            currency,
        ):
            # If the bill is ticked off, its synthetic payment would change as well.
            if not ticked_off and receipt not in self._moved and minor_of(amount, currency) <= room:
                return receipt, old
        return None

    def refund_is_paid(self) -> tuple[str, Dirty] | None:
        if not self._notes:
            return None
        note, client, currency, total = self._notes.pop()
        payout = self._next("money_out")
        self._database.insert(
            "money_out",
            [(payout, client, TODAY.isoformat(), currency, total, "WIRE_TRANSFER", f"P{payout}")],
        )
        self._apply("PAYOUT", payout, "CREDIT", note, total)
        return f"refund {payout} pays out credit note {note}", _dirty("refund", payout)

    def customer_is_renamed(self) -> tuple[str, Dirty] | None:
        if not self._clients:
            return None
        client = self._clients.pop()[0]
        rename = "update clients set company = company || ' Group' where client_no = ?"
        self._database.run(rename, client)
        return f"customer {client} is renamed", _dirty("customer", client)

    def _take_open(self) -> Row | None:
        while self._open:
            row = self._open.pop()
            if row[0] not in self._used:
                self._used.add(row[0])
                return row
        return None

    def _shuffled(self, sql: str) -> list[Row]:
        rows = self._database.rows(sql)
        self._random.shuffle(rows)
        return rows

    def _next(self, table: str) -> int:
        self._last[table] += 1
        return self._last[table]

    def _pay(self, client: int, currency: str, amount: str) -> int:
        receipt = self._next("money_in")
        row = (receipt, client, TODAY.isoformat(), currency, amount, "WIRE_TRANSFER", f"R{receipt}")
        self._database.insert("money_in", [row])
        return receipt

    def _bill(self, kind: str, client: int, currency: str, total: int) -> int:
        bill = self._next("bills")
        number = f"{'INV' if kind == 'INVOICE' else 'CN'}-{bill:07d}"
        due = (TODAY + timedelta(30)).isoformat() if kind == "INVOICE" else None
        amounts = (decimal(total, currency), decimal(total, currency))
        row = (bill, number, kind, client, TODAY.isoformat(), due, currency, *amounts)
        self._database.insert("bills", [(*row, None, None, None)])
        return bill

    def _apply(self, kind: str, source: int, target_kind: str, target: int, amount: str) -> None:
        self._database.insert("applied", [(kind, source, target_kind, target, amount)])


KINDS: dict[str, Callable[[_Changer], tuple[str, Dirty] | None]] = {
    "payment arrives": _Changer.payment_arrives,
    "contact moves": _Changer.contact_moves,
    "invoice is issued": _Changer.invoice_is_issued,
    "invoice is credited": _Changer.invoice_is_credited,
    "invoice is corrected": _Changer.invoice_is_corrected,
    "allocation moves": _Changer.allocation_moves,
    "refund is paid": _Changer.refund_is_paid,
    "customer is renamed": _Changer.customer_is_renamed,
}
"""The kinds of changes. Each affects one record; a shared contact affects all its customers."""


def _dirty(entity: str, number: int) -> Dirty:
    return frozenset({(entity, str(number))})


def minor_of(amount: object, currency: str) -> int:
    """Return lowest divisions from text, a SQLite number or a Decimal."""
    return int(Decimal(str(amount)).scaleb(EXPONENTS[currency]))
