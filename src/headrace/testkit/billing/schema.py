"""The tables of the made-up billing system, typical of a system that grew over years.

They differ from the canonical tables on purpose: other names, invoices and credit notes in one
table, amounts as text in one place and as decimals in another, and no keys that the database
enforces.
"""

from __future__ import annotations

MONEY = "numeric(18, 3)"

TABLES: dict[str, dict[str, str]] = {
    "clients": {
        "client_no": "bigint",
        "company": "text",
        "vat": "text",
        "ledger_code": "text",
        "street": "text",
        "postcode": "text",
        "town": "text",
        "country": "text",
        "parent_no": "bigint",
    },
    # One person may belong to several clients, with the same person_id.
    "people": {
        "person_id": "bigint",
        "client_no": "bigint",
        "given_name": "text",
        "family_name": "text",
        "mail": "text",
        "phone": "text",
        "role": "text",
        "main": "integer",
    },
    # kind: INVOICE or CREDIT. settled_on: marked as paid by hand, regardless of payments.
    "bills": {
        "bill_id": "bigint",
        "bill_no": "text",
        "kind": "text",
        "client_no": "bigint",
        "issued": "text",
        "due": "text",
        "currency": "text",
        "total": "text",
        "net": "text",
        "subject": "text",
        "settled_on": "text",
        "pdf": "text",
    },
    "money_in": {
        "receipt_id": "bigint",
        "client_no": "bigint",
        "received_on": "text",
        "currency": "text",
        "amount": MONEY,
        "method": "text",
        "reference": "text",
    },
    "money_out": {
        "payout_id": "bigint",
        "client_no": "bigint",
        "paid_on": "text",
        "currency": "text",
        "amount": MONEY,
        "method": "text",
        "reference": "text",
    },
    # source_kind RECEIPT or CREDIT settles a BILL; PAYOUT refunds a RECEIPT or a CREDIT.
    "applied": {
        "source_kind": "text",
        "source_id": "bigint",
        "target_kind": "text",
        "target_id": "bigint",
        "amount": MONEY,
    },
    # Positive: the client owes more.
    "journal": {
        "entry_id": "bigint",
        "client_no": "bigint",
        "booked_on": "text",
        "currency": "text",
        "amount": MONEY,
        "remark": "text",
    },
}
"""Table to column to SQL type."""

INDEXES = (
    "create index applied_target on applied (target_kind, target_id)",
    "create index applied_source on applied (source_kind, source_id)",
    "create index money_in_client on money_in (client_no)",
    "create index people_person on people (person_id)",
    "create index bills_bill on bills (bill_id)",
    "create index clients_client on clients (client_no)",
)

CREATE = tuple(
    f"create table {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})"
    for table, columns in TABLES.items()
)

IDENTIFIERS = {
    "clients": "client_no",
    "people": "person_id",
    "bills": "bill_id",
    "money_in": "receipt_id",
    "money_out": "payout_id",
    "journal": "entry_id",
}
"""The column that numbers a table's rows from 1."""
