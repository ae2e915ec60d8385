"""Databases that nobody tuned for: drafted, checked, and right to the cent."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from german import translate

from headrace.book.book import Book
from headrace.cli.main import run
from headrace.testkit.billing import generate, write_project
from project_books import BALANCES, errors, project_book
from published import restored

ROOT = Path(__file__).parents[2]
ROWS = {
    "customers": "external_id, name, country, city, zipcode, address, vat_number, "
    "parent_external_id",
    "contacts": "customer_external_id, lower(email), first_name, last_name, is_main",
    "invoices": "external_id, customer_external_id, custom_id, issued_at, due_date, currency, "
    "gross_amount, net_amount, marked_paid_at",
    "credit_notes": "external_id, customer_external_id, custom_id, issued_at, currency, "
    "gross_amount",
    "payments": "external_id, customer_external_id, currency, amount, validated_at, instrument",
    "refunds": "external_id, customer_external_id, currency, amount, validated_at, instrument",
    "allocations": "*",
    # Their ids may be made up in any way.
    "adjustments": "customer_external_id, currency, amount, booked_at",
    "settlements": "*",
}


def init(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    """What `headrace init … --json` says; it must find no error in the data."""
    capsys.readouterr()
    code = run(["init", *map(str, words), "--json"])
    out, err = capsys.readouterr()
    assert code == 0, out + err
    document: dict[str, Any] = json.loads(out)
    return document


def rows(book: Book, table: str, columns: str) -> Counter[Any]:
    """The rows of a model, as a multiset of texts."""
    found = book.connection.execute(f"select {columns} from book.{table}").fetchall()
    return Counter(map(str, found))


def right(drafted: Book, expected: Book) -> list[str]:
    """The models that make the same rows as those that a person wrote."""
    return [
        name
        for name, columns in ROWS.items()
        if rows(drafted, name, columns) == rows(expected, name, columns)
    ]


def balances(book: Book) -> set[Any]:
    """What each customer owes in each currency, zeros left out."""
    return {row for row in book.connection.execute(BALANCES).fetchall() if row[2]}


@pytest.fixture(scope="module")
def billing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Book]]:
    """A generated billing database, and the book of a project that reads it, by a person."""
    folder = tmp_path_factory.mktemp("billing")
    generate(str(folder / "billing.db"), records=3_000, seed=7)
    write_project(folder / "project", str(folder / "billing.db"))
    with project_book(folder / "project") as book:
        yield folder / "billing.db", book


@pytest.mark.parametrize("language", ["english", "german"])
def test_a_billing_database_in_any_language_and_unit_is_drafted_whole(
    language: str,
    billing: tuple[Path, Book],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    database, expected = billing
    if language == "german":
        translate(database, tmp_path / "kunden.db")
        database = tmp_path / "kunden.db"
    document = init(capsys, database, "--to", tmp_path / "shop")
    assert document["answers"]["amounts"] == {"english": "major", "german": "minor"}[language]
    assert document["todo"] == [] and document["system"] is None
    with project_book(tmp_path / "shop") as drafted:
        assert errors(drafted) == []
        assert balances(drafted) == balances(expected) != set()
        assert right(drafted, expected) == list(ROWS)


def test_a_shop_without_currency_due_date_and_payments_is_drafted_by_two_flags(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "examples" / "chinook", tmp_path / "by hand")
    database = tmp_path / "by hand" / "data" / "chinook.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        script = (ROOT / "examples" / "chinook" / "changes.sql").read_text()
        connection.executescript(script)
    document = init(capsys, database, "--to", tmp_path / "shop", "--currency", "USD")
    assert document["todo"] == []
    with (
        project_book(tmp_path / "shop") as drafted,
        project_book(tmp_path / "by hand") as expected,
    ):
        assert errors(drafted) == []
        assert balances(drafted) == balances(expected) != set()
        # A person leaves out the e-mail addresses that Upflow does not take, and writes numbers
        # with the shop's own letters before them.
        named = set(right(drafted, expected))
        assert named >= {"customers", "payments", "allocations", "refunds", "adjustments"}


def test_a_gnucash_book_is_recognised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = ROOT / "examples" / "gnucash" / "data" / "book.gnucash"
    document = init(capsys, book, "--to", tmp_path / "shop", "--name", "gnucash")
    assert document["system"] == "gnucash"
    with (
        project_book(tmp_path / "shop") as drafted,
        project_book(ROOT / "examples" / "gnucash") as expected,
    ):
        assert errors(drafted) == []
        assert right(drafted, expected) == list(ROWS)


@pytest.mark.parametrize(
    ("system", "dump"),
    [("odoo", "odoo19/odoo19_ar.sql.gz"), ("tryton", "tryton/tryton82_ar.sql.gz")],
)
def test_a_whole_system_is_recognised_by_its_tables(
    system: str,
    dump: str,
    tmp_path: Path,
    postgres_server: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with restored(postgres_server, dump) as url:
        monkeypatch.setenv("BILLING", url)
        document = init(capsys, "env:BILLING", "--to", tmp_path / "shop")
        assert document["system"] == system
        written = (tmp_path / "shop" / "headrace.toml").read_text()
        assert '"env:BILLING"' in written and url not in written
        with project_book(tmp_path / "shop", url) as drafted:
            assert errors(drafted) == []
            assert balances(drafted)
