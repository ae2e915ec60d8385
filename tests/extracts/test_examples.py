"""The examples against their own systems: every open item, every balance, every change."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import pytest

from headrace.book.book import Book
from project_books import balances, errors, open_amounts, project_book, records

EXAMPLES = Path(__file__).parents[2] / "examples"
UNITS = {"EUR": 100, "USD": 100, "JPY": 1}


@pytest.mark.parametrize("name", ["gnucash", "stripe", "chinook"])
def test_each_example_is_valid_and_its_changes_take_three_requests(
    name: str, tmp_path: Path
) -> None:
    project = tmp_path / "with a space"
    shutil.copytree(EXAMPLES / name, project)
    with project_book(project) as book:
        assert errors(book) == []
        before = records(book)
    _change(project)
    with project_book(project) as book:
        assert errors(book) == []
        after = records(book)
    assert before.keys() <= after.keys()
    differing = sorted(key[0] for key, value in after.items() if before.get(key) != value)
    assert differing == ["credit_note", "customer", "payment"]


def test_gnucash_open_amounts_equal_its_lots() -> None:
    """The splits of a lot add up to its document's open amount, and every split is in a lot."""
    lots, owed = _gnucash_lots(EXAMPLES / "gnucash" / "data" / "book.gnucash")
    with project_book(EXAMPLES / "gnucash") as book:
        left = open_amounts(book)
        documents = {number: amount for (kind, number), amount in left.items() if kind == "invoice"}
        notes = {
            number: -amount for (kind, number), amount in left.items() if kind == "credit_note"
        }
        assert documents | notes == lots
        assert len(notes) == 35 and len(documents) == 321
        assert balances(book) == owed


def _gnucash_lots(path: Path) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """Return the sum of each document's lot, and of all splits by (customer, currency)."""
    connection = sqlite3.connect(path)
    splits = connection.execute(
        "select s.lot_guid, m.mnemonic, s.value_num, s.value_denom from splits s"
        " join accounts a on a.guid = s.account_guid"
        " join commodities m on m.guid = a.commodity_guid"
        " where a.account_type = 'RECEIVABLE'"
    ).fetchall()
    owners = connection.execute(
        "select l.obj_guid, o.guid_val from slots l join slots o on o.obj_guid = l.guid_val"
        " where l.name = 'gncOwner' and o.name = 'gncOwner/owner-guid'"
    ).fetchall()
    documents = connection.execute("select post_lot, guid, owner_guid from invoices").fetchall()
    connection.close()
    owner = dict(owners) | {lot: customer for lot, _, customer in documents}
    lots: dict[str, Fraction] = defaultdict(Fraction)
    owed: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for lot, currency, numerator, denominator in splits:
        amount = Fraction(numerator, denominator) * UNITS[currency]
        lots[lot] += amount
        owed[owner[lot], currency] += amount
    return (
        {guid: int(lots[lot]) for lot, guid, _ in documents},
        {key: int(amount) for key, amount in owed.items() if amount},
    )


def test_stripe_open_amounts_equal_its_own() -> None:
    invoices = {item["id"]: item for item in _lines("invoices")}
    with project_book(EXAMPLES / "stripe") as book:
        left = open_amounts(book)
        marked = _marked_paid(book)
        owed: dict[tuple[str, str], int] = defaultdict(int)
        for (kind, number), amount in left.items():
            if kind != "invoice":
                assert (number, amount) == (number, 0)
                continue
            item = invoices.pop(number)
            assert (number, 0 if number in marked else amount) == (
                number,
                item["amount_remaining"] if item["status"] == "open" else 0,
            )
            owed[item["customer"], "USD"] += amount
        assert {item["status"] for item in invoices.values()} == {"draft", "void"}
        assert balances(book) == owed


def _marked_paid(book: Book) -> set[str]:
    rows = book.connection.execute(
        "select external_id from book.invoices where marked_paid_at is not null"
    ).fetchall()
    return {row[0] for row in rows}


def test_chinook_invoices_are_open_unless_ticked_off() -> None:
    path = EXAMPLES / "chinook" / "data" / "chinook.sqlite"
    connection = sqlite3.connect(path)
    invoices = connection.execute(
        "select cast(InvoiceId as text), cast(round(Total * 100) as integer), PaidOn from Invoice"
    ).fetchall()
    connection.close()
    with project_book(EXAMPLES / "chinook") as book:
        left = open_amounts(book)
        assert left == {("invoice", number): amount for number, amount, _ in invoices}
        assert _marked_paid(book) == {number for number, _, paid in invoices if paid}


def test_chinook_database_equals_the_output_of_its_script(tmp_path: Path) -> None:
    folder = EXAMPLES / "chinook"
    made = tmp_path / "made.sqlite"
    subprocess.run([sys.executable, folder / "make_data.py", made], check=True)
    dumps = []
    for path in (made, folder / "data" / "chinook.sqlite"):
        connection = sqlite3.connect(path)
        dumps.append(list(connection.iterdump()))
        connection.close()
    assert dumps[0] == dumps[1]


def _lines(name: str) -> list[dict[str, object]]:
    text = (EXAMPLES / "stripe" / "data" / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _change(project: Path) -> None:
    script = project / "changes.sql"
    if script.exists():
        (database,) = [
            p for p in (project / "data").iterdir() if p.suffix in (".gnucash", ".sqlite")
        ]
        connection = sqlite3.connect(database)
        connection.executescript(script.read_text(encoding="utf-8"))
        connection.close()
        return
    for changed in (project / "changes").iterdir():
        data = project / "data" / changed.name
        objects = {
            json.loads(line)["id"]: line
            for path in (data, changed)
            for line in path.read_text(encoding="utf-8").splitlines()
        }
        data.write_text("\n".join(objects.values()) + "\n", encoding="utf-8")
