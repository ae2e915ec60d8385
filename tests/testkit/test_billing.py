"""The made-up billing system: sound by itself, the same by seed, and its changes are exact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from headrace.book.book import Book
from headrace.model.errors import ConfigurationError
from headrace.model.source_settings import SourceSettings
from headrace.sources.registry import open_source
from headrace.testkit.billing import (
    bad_rows,
    book_portal_payments,
    changes,
    generate,
    portal_payments,
    write_project,
)
from headrace.testkit.billing.changes import KINDS
from headrace.testkit.billing.pdf import small_pdf
from headrace.testkit.billing.schema import TABLES
from project_books import errors, project_book, records

RECORDS = 6_000


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """The book of a generated database, with nothing done to it."""
    path = tmp_path_factory.mktemp("sound") / "billing.db"
    generate(path, records=RECORDS, seed=3)
    with project_book(write_project(path.parent / "project", path)) as book:
        yield book


def _content(url: str | Path) -> dict[str, list[object]]:
    """All rows by table, as a source reads them; numbers by value, whatever their type."""
    text = str(url) if "://" in str(url) else f"sqlite:///{url}"
    connection = duckdb.connect()
    open_source(SourceSettings(kind="sql", url=text), Path("/")).stage(connection, TABLES)
    money = {"amount": "amount::decimal(18, 3)"}
    return {
        table: connection.execute(
            f"select {', '.join(money.get(name, name) for name in columns)} "
            f"from source.{table} order by all"
        ).fetchall()
        for table, columns in TABLES.items()
    }


def test_the_same_seed_makes_the_same_content(tmp_path: Path) -> None:
    counts = [generate(tmp_path / f"{n}.db", records=800, seed=5) for n in range(2)]
    other = generate(tmp_path / "other.db", records=800, seed=6)
    assert counts[0] == counts[1] != other
    assert (tmp_path / "0.db").read_bytes() == (tmp_path / "1.db").read_bytes()


def test_postgres_and_sqlalchemy_hold_the_same(tmp_path: Path, postgres_database: str) -> None:
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
    addresses = [tmp_path / "a.db", postgres_database, f"sqlite+pysqlite:///{tmp_path / 'b.db'}"]
    first, second, third = (generate(url, records=500) for url in addresses)
    assert first == second == third
    done = [changes(url, 1, 12) for url in addresses]
    assert done[0] == done[1] == done[2]
    flaws = [bad_rows(url) for url in addresses]
    assert flaws[0] == flaws[1] == flaws[2]
    content = _content(addresses[0])
    assert content == _content(postgres_database) == _content(tmp_path / "b.db")


def test_the_counts_are_those_of_the_canonical_tables(sound: Book, tmp_path: Path) -> None:
    counts = generate(tmp_path / "again.db", records=RECORDS, seed=3)
    for table in ("customers", "contacts", "invoices", "credit_notes", "payments", "refunds"):
        assert _number(sound, f"select count(*) from book.{table}") == getattr(counts, table)
    assert _number(sound, "select count(*) from book.allocations") == counts.allocations
    assert _number(sound, "select count(*) from book.adjustments") == counts.adjustments
    marked = "select count(*) from book.invoices where marked_paid_at is not null"
    assert _number(sound, marked) == counts.marked_paid
    records = counts.requests - counts.adjustments - counts.marked_paid
    assert RECORDS <= records < RECORDS * 1.1


def test_nothing_is_wrong_with_it(sound: Book) -> None:
    assert errors(sound) == []


SHARES = {
    "three levels": "select count(*) from book.customers child join book.customers mid on"
    " mid.external_id = child.parent_external_id where mid.parent_external_id is not null",
    "one contact, two customers": "select count(*) from (select external_id from book.contacts"
    " group by all having count(distinct customer_external_id) > 1)",
    "no decimals": "select count(*) from book.invoices where currency = 'JPY'",
    "three decimals": "select count(*) from book.invoices"
    " where currency = 'KWD' and gross_amount % 10 <> 0",
    "several invoices": "select count(*) from (select from_external_id from book.allocations"
    " where from_entity = 'payment' group by all having count(*) > 1)",
    "several payments": "select count(*) from (select to_external_id from book.allocations"
    " where from_entity = 'payment' and to_entity = 'invoice' group by all having count(*) > 1)",
    "a parent pays": "select count(*) from book.allocations a join book.payments p on"
    " p.external_id = a.from_external_id join book.invoices i on i.external_id = a.to_external_id"
    " where from_entity = 'payment' and i.customer_external_id <> p.customer_external_id",
    "overpaid": "select count(*) from book.payments where amount > (select sum(amount) from"
    " book.allocations where from_entity = 'payment' and from_external_id = payments.external_id)",
    "open credit notes": "select count(*) from book.credit_notes where external_id not in"
    " (select from_external_id from book.allocations where from_entity = 'credit_note')",
    "refunds of payments": "select count(*) from book.allocations where to_entity = 'payment'",
    "refunds of notes": "select count(*) from book.allocations where to_entity = 'credit_note'",
    "unlinked refunds": "select count(*) from book.refunds where external_id not in"
    " (select from_external_id from book.allocations where from_entity = 'refund')",
    "debit entries": "select count(*) from book.adjustments where amount > 0",
    "credit entries": "select count(*) from book.adjustments where amount < 0",
    "marked paid": "select count(*) from book.invoices where marked_paid_at is not null",
}


@pytest.mark.parametrize("what", SHARES)
def test_everything_occurs(sound: Book, what: str) -> None:
    assert _number(sound, SHARES[what]) > 0


def test_the_past_is_settled_and_the_present_open(sound: Book) -> None:
    def settled(days: str) -> float:
        return float(
            _number(
                sound,
                "select avg((coalesce((select sum(a.amount) from book.allocations a where"
                " a.to_entity = 'invoice' and a.to_external_id = i.external_id), 0) = gross_amount)"
                f"::int) from book.invoices i where date '2026-11-20' - issued_at::date {days}",
            )
        )

    assert settled("> 180") > 0.9
    assert settled("< 30") < 0.35


def test_big_customers_are_few(sound: Book) -> None:
    tenth = (
        "select sum(n) filter (where place <= 0.1) / sum(n) from (select count(*) as n,"
        " percent_rank() over (order by count(*) desc) as place from book.invoices"
        " group by customer_external_id)"
    )
    assert float(_number(sound, tenth)) > 0.4


def test_changes_make_dirty_what_they_say_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "billing.db"
    generate(path, records=3_000, seed=2)
    before = _records(tmp_path / "1", path)
    done = changes(path, seed=9, count=60)
    after = _records(tmp_path / "2", path)
    differing = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert differing == frozenset().union(*(change.dirty for change in done))
    assert {change.kind for change in done} == set(KINDS)


def test_changes_can_follow_changes(tmp_path: Path) -> None:
    path = tmp_path / "billing.db"
    generate(path, records=2_000)
    descriptions = [c.description for seed in range(5) for c in changes(path, seed, 8)]
    assert len(descriptions) == 40
    with pytest.raises(ValueError, match="fit into"):
        changes(path, 1, 100_000)


def test_every_flaw_is_reported_and_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "billing.db"
    generate(path, records=500)
    flaws = bad_rows(path)
    with project_book(write_project(tmp_path / "project", path)) as book:
        found = {(p.entity, p.external_id) for p in book.problems()}
    # The person without e-mail is named by its own id.
    assert found == {(flaw.entity, flaw.external_id) for flaw in flaws}


def test_pdfs_lie_in_the_folder(tmp_path: Path) -> None:
    counts = generate(tmp_path / "b.db", records=200, pdf_folder=tmp_path / "pdf files")
    files = sorted((tmp_path / "pdf files").iterdir())
    assert len(files) == counts.documents == counts.invoices + counts.credit_notes
    with project_book(write_project(tmp_path / "project", tmp_path / "b.db")) as book:
        rows = book.connection.execute("select location from book.documents order by 1").fetchall()
    assert [row[0] for row in rows] == [str(path) for path in files]
    assert all(path.read_bytes().startswith(b"%PDF-1.4\n") for path in files)


def test_the_offsets_in_a_pdf_are_right() -> None:
    pdf = small_pdf("INV (1) é \\ 円")
    start = int(pdf.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    lines = pdf[start:].split(b"\n")
    assert lines[:2] == [b"xref", b"0 6"]
    for number, line in enumerate(lines[3:8], 1):
        assert pdf[int(line[:10]) :].startswith(b"%d 0 obj" % number)


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    generate(tmp_path / "b.db", records=10)
    with pytest.raises(ConfigurationError, match="there already"):
        generate(tmp_path / "b.db", records=10)


def test_a_database_without_driver_is_named() -> None:
    with pytest.raises(ConfigurationError, match="nosuch"):
        generate("nosuch://host/db", records=10)


def _records(folder: Path, path: Path) -> dict[tuple[str, str], object]:
    with project_book(write_project(folder, path)) as book:
        assert errors(book) == []
        return records(book)


def _number(book: Book, sql: str) -> int:
    (row,) = book.connection.execute(sql).fetchall()
    return row[0]


def test_portal_payments_are_the_same_by_seed_and_their_bookings_are_sound(tmp_path: Path) -> None:
    path = tmp_path / "billing.db"
    generate(path, records=1_000, seed=3)
    before = _content(path)
    paid = portal_payments(path, 4, 10)
    assert paid == portal_payments(path, 4, 10) != portal_payments(path, 5, 10)
    assert _content(path) == before
    assert len({one.customer for one in paid}) == 10
    booked = book_portal_payments(path, paid, 4)
    assert len({key for change in booked for key in change.dirty}) == 10
    with project_book(write_project(tmp_path / "project", path)) as book:
        assert errors(book) == []
    with pytest.raises(ValueError, match="fit into this database"):
        portal_payments(path, 1, 10_000)
