"""Values that can't be read: each is shown, whatever the model did to it, with the likely cause."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.book.book import Book
from headrace.book.checks.checks import Problem
from headrace.book.models.models import load_models

BASE = (
    "select id as external_id, 'c' as customer_external_id, id as custom_id, {day} as issued_at, "
    "date '2099-01-01' as due_date, 'EUR' as currency, {amount} as gross_amount, "
    "0 as net_amount from {table}"
)
AMOUNTS = "'12.50', '1.377,58', '12.345', null"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    with Book(tmp_path_factory.mktemp("book") / "cache.duckdb") as book:
        yield book


def problems(
    book: Book, folder: Path, invoices: str, total: str = AMOUNTS, due: str = ""
) -> list[Problem]:
    (folder / "models").mkdir()
    (folder / "models" / "customers.sql").write_text("select 'c' as external_id, 'C' as name")
    (folder / "models" / "invoices.sql").write_text(invoices)
    with book.staging() as connection:
        day = f"unnest([{due}])" if due else "date '2026-01-01'"
        connection.execute(
            "create or replace table source.bills as "
            "select *, 'i' || row_number() over () as id "
            f"from (select unnest([{total}]) as total, {day} as due)"
        )
    book.build(load_models(folder / "models", ["bills"]))
    book.check()
    return book.problems()


@pytest.mark.parametrize(
    "invoices",
    [
        BASE.format(day="due", amount="minor(total, 'EUR')", table="bills"),
        BASE.format(day="due", amount="abs(-minor(total, 'EUR'))", table="bills"),
        BASE.format(day="due", amount="coalesce(minor(total, 'EUR'))", table="bills"),
        BASE.format(
            day="due", amount="case when id <> '' then minor(total, 'EUR') else 0 end",
            table="bills",
        ),
        BASE.format(
            day="due", amount="cents",
            table="(select *, minor(total, 'EUR') as cents from bills) as x",
        ),
        "with x as (select *, minor(total, 'EUR') as cents from bills), y as (select * from x) "
        + BASE.format(day="due", amount="cents", table="y"),
        "select * exclude (note) from (select *, 1 as note from ("
        + BASE.format(day="due", amount="minor(total, 'EUR')", table="bills") + ") as q) as r",
        BASE.format(day="due", amount="minor(total, 'EUR')", table="bills where id < 'i3'")
        + " union all "
        + BASE.format(day="due", amount="minor(total, 'EUR')", table="bills where id >= 'i3'"),
        BASE.format(
            day="any_value(due)", amount="minor(any_value(total), 'EUR')", table="bills group by id"
        ),
        BASE.format(
            day="any_value(due)", amount="sum(minor(total, 'EUR'))", table="bills group by id"
        ),
    ],
    ids=["plain", "inside", "coalesce", "case", "subquery", "cte", "star", "union", "given an "
         "aggregate", "aggregated"],
)  # fmt: skip
def test_what_minor_could_not_read_is_shown(book: Book, tmp_path: Path, invoices: str) -> None:
    said = {p.external_id: p.problem for p in problems(book, tmp_path, invoices)}
    assert said["i2"].startswith("has gross_amount '1.377,58', which is not a whole number")
    assert said["i3"].startswith("has gross_amount '12.345', which is not a whole number")
    assert said["i4"] == "has no gross_amount, or one that is not exact in its currency"
    assert set(said) == {"i2", "i3", "i4"}


@pytest.mark.parametrize(
    "invoices",
    [
        BASE.format(day="due", amount="sum(minor(total, 'EUR'))", table="lines group by id, due"),
        BASE.format(
            day="due", amount="-coalesce(-sum(minor(total, 'EUR')), 0)",
            table="lines group by id, due",
        ),
        "with x as (select *, minor(total, 'EUR') as cents from lines) "
        + BASE.format(day="due", amount="sum(cents)", table="x group by all"),
        "with x as (select id, due, sum(minor(total, 'EUR')) as cents from lines group by all) "
        + BASE.format(day="due", amount="cents", table="x"),
        "with x as (select id, sum(minor(total, 'EUR')) as cents from lines group by id) "
        + BASE.format(
            day="due",
            amount="x.cents",
            table="(select distinct id, due from lines) join x using (id)",
        ),
    ],
    ids=["sum", "inside", "below", "above", "joined"],
)  # fmt: skip
def test_a_line_that_a_sum_leaves_out_is_not_left_out(
    book: Book, tmp_path: Path, invoices: str
) -> None:
    split = "(select id[2:]::integer // 2 || '' as id, total, due from bills)"
    found = problems(
        book,
        tmp_path,
        invoices.replace("lines", f"{split} as lines"),
        "'1', '12.50', '1.377,58', '5', null",
    )
    # Lines 2 and 3 are of one invoice: without a word it would be of EUR 12.50.
    assert [(p.external_id, p.problem.split(", which")[0]) for p in found] == [
        ("1", "has gross_amount '1.377,58'")
    ]


@pytest.mark.parametrize(
    "amount",
    [
        "sum(minor(total, 'EUR')) filter (where total not like '%,%')",
        "sum(case when total not like '%,%' then minor(total, 'EUR') end)",
        "sum(coalesce(minor(total, 'EUR'), 0))",
        "sum(cents) filter (where kind = 'a')",
        "sum(if(kind = 'a', cents, null))",
    ],
)
def test_a_line_that_the_model_leaves_out_itself_is_no_problem(
    book: Book, tmp_path: Path, amount: str
) -> None:
    lines = (
        "(select id[2:]::integer // 2 || '' as id, total, due, minor(total, 'EUR') as cents, "
        "if(total like '%,%', 'b', 'a') as kind from bills) as lines group by id, due"
    )
    sql = BASE.format(day="due", amount=amount, table=lines)
    assert problems(book, tmp_path, sql, "'1', '12.50', '1.377,58', '5', '6'") == []


def test_what_try_cast_could_not_read_is_shown(book: Book, tmp_path: Path) -> None:
    sql = BASE.format(day="try_cast(due as date)", amount="0", table="bills")
    found = problems(book, tmp_path, sql, "1, 2", "'2026-01-01', 'Tuesday'")
    assert [p.problem for p in found] == ["has issued_at 'Tuesday', which is not a date"]


def test_a_model_that_can_not_be_followed_says_it_without_the_value(
    book: Book, tmp_path: Path
) -> None:
    sql = BASE.format(
        day="due",
        amount="cents",
        table="(select distinct *, minor(total, 'EUR') as cents from bills) as x",
    )
    said = {p.external_id: p.problem for p in problems(book, tmp_path, sql)}
    assert said["i2"] == "has no gross_amount, or one that is not exact in its currency"


@pytest.mark.parametrize(
    ("amount", "total", "cause"),
    [
        ("total", "'10.50', '7.25'", "have decimals: did you mean minor(total, currency)"),
        ("total", "10.5, 7.25", "have decimals: did you mean minor(total, currency)"),
        ("minor(total, 'EUR')", "'10.505', '7.255'", "minor_rounded(total, currency) would round"),
        ("minor(total, 'EUR')", "'1.377,58', '12,50'",
         "decimal comma: write minor(money_text(total, mark := ','), currency)"),
        ("minor(total, 'EUR')", "'1,377.58', '12,000'",
         "commas between thousands: write minor(replace(total, ',', ''), currency)"),
        ("minor(total, 'EUR')", "'€ 12.50', '12.50 €'",
         "all of them have a currency sign: write minor(money_text(total), currency)"),
        ("minor(total, 'EUR')", "'1 377,58', '12 000'",
         "spaces between thousands: write minor(money_text(total), currency)"),
        ("minor(total, 'EUR')", "'12,x', '7?'",
         "minor(money_text(total), currency) reads amounts as people write them"),
    ],
)  # fmt: skip
def test_amounts_that_look_alike_have_a_likely_cause(
    book: Book, tmp_path: Path, amount: str, total: str, cause: str
) -> None:
    found = problems(book, tmp_path, BASE.format(day="due", amount=amount, table="bills"), total)
    assert len(found) == 2
    assert all(cause in p.remedy and p.remedy.endswith("models/invoices.sql") for p in found)


@pytest.mark.parametrize(
    ("amount", "total"),
    [
        ("minor(money_text(total, mark := ','), 'EUR')", "'1.377,58', '12,50', '1.377'"),
        ("minor(money_text(total), 'EUR')", "'€ 12.50', '12.50 €', '1 377,58', '12 000', '7'"),
    ],
)
def test_what_a_cause_proposes_reads_the_values(
    book: Book, tmp_path: Path, amount: str, total: str
) -> None:
    sql = BASE.format(day="due", amount=amount, table="bills")
    assert problems(book, tmp_path, sql, total) == []


@pytest.mark.parametrize(
    ("due", "cause"),
    [
        (
            "'31/01/2026', '05/02/2026'",
            "looks like dd/mm/yyyy: write try_strptime(due, '%d/%m/%Y')",
        ),
        (
            "'01/31/2026', '02/05/2026'",
            "looks like mm/dd/yyyy: write try_strptime(due, '%m/%d/%Y')",
        ),
        ("'01/02/2026', '02/05/2026'", "looks like dd/mm/yyyy or mm/dd/yyyy: write"),
        ("'31/01/2026', '01/31/2026'", "some look like dd/mm/yyyy and some like mm/dd/yyyy"),
        ("'5.2.2026', '31.1.2026'", "looks like dd.mm.yyyy: write try_strptime(due, '%d.%m.%Y')"),
        ("'31/01/26 10:00', '05/02/26 11:30'", "try_strptime(due, '%d/%m/%y %H:%M')"),
        ("20260131, 20260205", "look like yyyymmdd: write try_strptime(due::varchar, '%Y%m%d')"),
        (
            "1767225600, 1767312000",
            "seconds since 1970: write to_timestamp(try_cast(due as bigint))",
        ),
        ("1767225600000, 1767312000000", "milliseconds since 1970: write epoch_ms("),
        ("46023, 46024", "a spreadsheet's day numbers: write date '1899-12-30' +"),
    ],
)
def test_dates_that_look_alike_have_a_likely_cause(
    book: Book, tmp_path: Path, due: str, cause: str
) -> None:
    found = problems(book, tmp_path, BASE.format(day="due", amount="0", table="bills"), "1, 2", due)
    assert len(found) == 2
    assert all(cause in p.remedy for p in found)


@pytest.mark.parametrize(
    ("due", "model"),
    [
        ("'31/01/2026', '05/02/2026'", "try_strptime(due, '%d/%m/%Y')"),
        ("20260131, 20260205", "try_strptime(due::varchar, '%Y%m%d')"),
        ("1769817600, 1770249600", "to_timestamp(try_cast(due as bigint))"),
        ("1769817600000, 1770249600000", "epoch_ms(try_cast(due as bigint))"),
        ("46053, 46058", "date '1899-12-30' + try_cast(due as integer)"),
    ],
)
def test_what_the_cause_says_to_write_reads_the_values(
    book: Book, tmp_path: Path, due: str, model: str
) -> None:
    sql = BASE.format(day=model, amount="0", table="bills")
    assert problems(book, tmp_path, sql, "1, 2", due) == []


def test_values_that_have_nothing_in_common_have_no_cause(book: Book, tmp_path: Path) -> None:
    sql = BASE.format(day="due", amount="total", table="bills")
    found = problems(book, tmp_path, sql, "'10.50', 'ten', '1,5'")
    assert {p.remedy for p in found} == {"correct the row in the source, or models/invoices.sql"}
