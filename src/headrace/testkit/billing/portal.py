"""Payments in the portal of a generated database's customers, and their later bookings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from headrace.testkit.billing.changes import Change, minor_of
from headrace.testkit.billing.database import Database, opened
from headrace.testkit.billing.family import decimal
from headrace.testkit.billing.generator import TODAY


class PortalPayment(Struct, frozen=True, kw_only=True):
    """A payment of one open invoice in the portal; its amount is in the lowest division."""

    customer: str
    invoice: str
    currency: str
    amount: int
    reference: str

    def body(self) -> dict[str, Any]:
        """Return the arguments for a hub's control plane."""
        link = {"amountLinked": self.amount, "invoice": {"externalId": self.invoice}}
        return {
            "customer": {"externalId": self.customer},
            "currency": self.currency,
            "amount": self.amount,
            "validatedAt": TODAY.isoformat(),
            "refNumber": self.reference,
            "linkedInvoices": [link],
        }

    def seed_line(self) -> str:
        """Return the payment as a line of a seed."""
        path = "/_hub/organisations/{organisation}/collected"
        return msgspec.json.encode({"method": "POST", "path": path, "body": self.body()}).decode()


def portal_payments(database: str | Path, seed: int, count: int) -> list[PortalPayment]:
    """Choose `count` portal payments: one unsettled invoice of a customer each, in full or in part.

    Nothing is written. Raises ValueError when the database does not have enough."""
    random = Random(seed)
    with opened(database) as connection:
        rows = connection.rows(
            "select bill_id, client_no, currency, total from bills where kind = 'INVOICE' "
            "and settled_on is null and not exists (select 1 from applied "
            "where target_kind = 'BILL' and target_id = bill_id) "
            f"order by bill_id desc limit {20 * count + 200}"
        )
    random.shuffle(rows)
    found: dict[int, PortalPayment] = {}
    for bill, client, currency, total in rows:
        whole = minor_of(total, currency)
        if client in found or whole < 1 or len(found) == count:
            continue
        found[client] = PortalPayment(
            customer=str(client),
            invoice=str(bill),
            currency=currency,
            amount=random.choice([whole, random.randint(1, whole)]),
            reference=f"PAY-{random.randrange(16**8):08X}",
        )
    if len(found) < count:
        raise ValueError(f"only {len(found)} of {count} payments fit into this database")
    return list(found.values())


def book_portal_payments(
    database: str | Path, payments: Sequence[PortalPayment], seed: int
) -> list[Change]:
    """Book the payments in one transaction, with or without their reference.

    A sync must then send one request for each, and the API must have as many payments as before.
    """
    random = Random(seed)
    with opened(database) as connection:
        last = int(connection.rows("select coalesce(max(receipt_id), 0) from money_in")[0][0])
        return [
            _book(connection, payment, last + number, random)
            for number, payment in enumerate(payments, 1)
        ]


def _book(database: Database, payment: PortalPayment, receipt: int, random: Random) -> Change:
    amount = decimal(payment.amount, payment.currency)
    reference = f"portal {payment.reference}" if random.random() < 0.5 else f"R{receipt}"
    database.insert(
        "money_in",
        [
            (
                receipt,
                int(payment.customer),
                TODAY.isoformat(),
                payment.currency,
                amount,
                "CARD",
                reference,
            )
        ],
    )
    database.insert("applied", [("RECEIPT", receipt, "BILL", int(payment.invoice), amount)])
    return Change(
        "portal payment is booked",
        f"payment {receipt} books what customer {payment.customer} paid in the portal",
        frozenset({("payment", str(receipt))}),
    )
