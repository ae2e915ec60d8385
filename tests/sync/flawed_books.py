"""Ways in which a sound book goes wrong, a few rows at a time, for walks through invalid states."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random

from random_books import Row, Rows

Flaw = Callable[[Rows, Random], None]
_DOCUMENTS = ("invoices", "credit_notes", "payments", "refunds", "adjustments")
_DAYS = ("issued_at", "due_date", "validated_at", "booked_at", "marked_paid_at")


def flawed(book: Rows, random: Random, most: int = 3) -> Rows:
    """A copy of the book with one to `most` flaws in it."""
    worse = copy.deepcopy(book)
    for _ in range(random.randint(1, most)):
        random.choice(FLAWS)(worse, random)
    return worse


def _document(book: Rows, random: Random) -> Row | None:
    rows = [row for table in _DOCUMENTS for row in book[table]]
    return random.choice(rows) if rows else None


def _amount_below_links(book: Rows, random: Random) -> None:
    if row := _document(book, random):
        for name in ("amount", "gross_amount"):
            if name in row:
                row[name] = 1
        if "net_amount" in row:
            row["net_amount"] = 1


def _other_currency(book: Rows, random: Random) -> None:
    if row := _document(book, random):
        row["currency"] = "USD" if row["currency"] == "EUR" else "EUR"


def _unknown_currency(book: Rows, random: Random) -> None:
    if row := _document(book, random):
        row["currency"] = "EURO"


def _no_amount(book: Rows, random: Random) -> None:
    if row := _document(book, random):
        row["gross_amount" if "gross_amount" in row else "amount"] = None


def _unreadable_amount(book: Rows, random: Random) -> None:
    if row := _document(book, random):
        row["gross_amount" if "gross_amount" in row else "amount"] = "much"


def _no_day(book: Rows, random: Random) -> None:
    if row := _document(book, random):
        row[random.choice([name for name in _DAYS if name in row])] = random.choice((None, "soon"))


def _no_id(book: Rows, random: Random) -> None:
    tables = [table for table in (*_DOCUMENTS, "customers", "settlements") if book[table]]
    random.choice(book[random.choice(tables)])["external_id"] = random.choice((None, "", " "))


def _other_customer(book: Rows, random: Random) -> None:
    if row := _document(book, random):
        row["customer_external_id"] = random.choice(book["customers"])["external_id"]


def _no_such_customer(book: Rows, random: Random) -> None:
    if row := _document(book, random):
        row["customer_external_id"] = "nobody"


def _document_gone(book: Rows, random: Random) -> None:
    tables = [table for table in _DOCUMENTS if book[table]]
    if tables:
        rows = book[random.choice(tables)]
        rows.remove(random.choice(rows))


def _customer_gone(book: Rows, random: Random) -> None:
    if len(book["customers"]) > 1:
        book["customers"].remove(random.choice(book["customers"]))


def _nameless_customer(book: Rows, random: Random) -> None:
    random.choice(book["customers"])["name"] = None


def _missing_parent(book: Rows, random: Random) -> None:
    random.choice(book["customers"])["parent_external_id"] = "nobody"


def _any_parent(book: Rows, random: Random) -> None:
    """Which may close a circle, or take two customers apart."""
    one, other = random.choice(book["customers"]), random.choice(book["customers"])
    one["parent_external_id"] = random.choice((None, other["external_id"]))


def _dangling_link(book: Rows, random: Random) -> None:
    if book["allocations"]:
        link = random.choice(book["allocations"])
        link[random.choice(("from_external_id", "to_external_id"))] = "nothing"


def _lost_link(book: Rows, random: Random) -> None:
    if book["allocations"]:
        book["allocations"].remove(random.choice(book["allocations"]))


def _link_amount(book: Rows, random: Random) -> None:
    if book["allocations"]:
        random.choice(book["allocations"])["amount"] = random.choice((None, 0, -5, 1, 100, 10_000))


def _settlement(book: Rows, random: Random) -> None:
    if book["settlements"]:
        row = random.choice(book["settlements"])
        name, value = random.choice(
            (
                ("invoice_external_id", None),
                ("invoice_external_id", "nothing"),
                ("kind", "oops"),
                ("kind", None),
                ("amount", "much"),
                ("booked_at", None),
                ("amount", None),
                ("amount", -5),
                ("amount", 10_000),
            )
        )
        row[name] = value


def _moved_settlement(book: Rows, random: Random) -> None:
    if book["settlements"] and book["invoices"]:
        invoice = random.choice(book["invoices"])["external_id"]
        random.choice(book["settlements"])["invoice_external_id"] = invoice


def _settlement_gone_or_twice(book: Rows, random: Random) -> None:
    if book["settlements"]:
        row = random.choice(book["settlements"])
        if random.random() < 0.5:
            book["settlements"].remove(row)
        else:
            book["settlements"].append(dict(row))


def _bad_address(book: Rows, random: Random) -> None:
    if book["contacts"]:
        random.choice(book["contacts"])["email"] = random.choice((None, "r&d@a.test", "nobody"))


def _twice(book: Rows, random: Random) -> None:
    if row := _document(book, random):
        next(book[table] for table in _DOCUMENTS if row in book[table]).append(dict(row))


FLAWS: tuple[Flaw, ...] = (
    _amount_below_links,
    _other_currency,
    _unknown_currency,
    _no_amount,
    _unreadable_amount,
    _no_day,
    _no_id,
    _other_customer,
    _no_such_customer,
    _document_gone,
    _customer_gone,
    _nameless_customer,
    _missing_parent,
    _any_parent,
    _dangling_link,
    _lost_link,
    _link_amount,
    _settlement,
    _moved_settlement,
    _settlement_gone_or_twice,
    _bad_address,
    _twice,
)
