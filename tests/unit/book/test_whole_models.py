"""What is said of a model as a whole: it loses decimals, or gives other rows each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.book.book import Book
from headrace.book.checks.checks import Problem
from headrace.book.models.models import load_models

CUSTOMERS = "select distinct client as external_id, 'C' as name from bills"
INVOICES = (
    "select id as external_id, client as customer_external_id, id as custom_id, "
    "date '2026-01-01' as issued_at, date '2026-02-01' as due_date, currency, "
    "{amount} as gross_amount, {amount} as net_amount from {table}"
)
IN_CASE = "minor(case currency when 'JPY' then round(total, 0) else round(total, 2) end, currency)"
BILLS = (
    "select i::integer as id, (i % 3)::integer as client, 'EUR' as currency, "
    "(106.7545 + i * 7.13)::decimal(38, 10) as total from range(60) t(i)"
)


def checked(folder: Path, *, bills: str = BILLS, **models: str) -> list[Problem]:
    (folder / "models").mkdir()
    for name, sql in {"customers": CUSTOMERS, **models}.items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    with Book(folder / "cache.duckdb") as book:
        with book.staging() as connection:
            connection.execute(f"create table source.bills as {bills}")
        book.build(load_models(folder / "models", ["bills"]))
        book.check()
        book.run_again()
        return book.problems()


def test_round_inside_case_is_named_where_it_loses_the_decimals(tmp_path: Path) -> None:
    found = checked(tmp_path, invoices=INVOICES.format(amount=IN_CASE, table="bills"))
    assert [(p.severity, p.entity, p.external_id) for p in found] == [
        ("warning", "invoice", "*")
    ] * 2
    assert "gross_amount in whole units, while 100% of total in bills have decimals" in (
        found[0].problem
    )
    assert "minor_rounded(total, currency)" in found[0].remedy


@pytest.mark.parametrize(
    ("amount", "bills"),
    [
        ("minor_rounded(total, currency)", BILLS),
        (IN_CASE, BILLS.replace("'EUR'", "'JPY'")),
        ("minor(total, currency)", BILLS.replace("106.7545 + i * 7.13", "100 + i")),
        ("minor(total, currency)", BILLS.replace("range(60)", "range(3)").replace("7545", "75")),
    ],
    ids=["rounded", "no decimals in yen", "none in the source", "few rows"],
)
def test_amounts_that_keep_their_decimals_are_no_matter(
    tmp_path: Path, amount: str, bills: str
) -> None:
    assert (
        checked(tmp_path, bills=bills, invoices=INVOICES.format(amount=amount, table="bills")) == []
    )


def test_the_decimals_are_looked_for_behind_a_common_table_expression(tmp_path: Path) -> None:
    sql = f"with x as (select *, {IN_CASE} as cents from bills) "
    found = checked(tmp_path, invoices=sql + INVOICES.format(amount="cents", table="x"))
    assert [p.problem for p in found if "total in bills have decimals" in p.problem]


TIES = """
select client as customer_external_id, client || '@' || id as external_id,
    'a' || id || '@client.test' as email,
    row_number() over (partition by client order by currency) = 1 as is_main
from bills
"""


def test_a_tie_in_a_row_number_is_named_with_its_rows(tmp_path: Path) -> None:
    found = checked(tmp_path, contacts=TIES)
    assert {p.entity for p in found} == {"contact"} and {p.severity for p in found} == {"warning"}
    assert len(found) == 6  # of each customer the first one, and the last
    assert "when contacts.sql is run again (is_main), as do 5 more" in found[0].problem
    assert "unique column" in found[0].remedy


def test_an_order_without_ties_is_no_matter(tmp_path: Path) -> None:
    assert checked(tmp_path, contacts=TIES.replace("order by currency", "order by id")) == []


@pytest.mark.parametrize("name", ["random()::varchar", "now()::varchar", "uuid()::varchar"])
def test_what_differs_by_itself_is_named(tmp_path: Path, name: str) -> None:
    customers = f"select distinct on (client) client as external_id, {name} as name from bills"
    found = checked(tmp_path, customers=customers)
    assert {p.external_id for p in found} == {"0", "1", "2"}
    assert all("(name)" in p.problem for p in found)


def test_ids_that_differ_by_themselves_are_named(tmp_path: Path) -> None:
    found = checked(
        tmp_path, customers="select uuid()::varchar as external_id, 'C' as name from bills"
    )
    assert found and "as do 119 more" in found[0].problem


def test_a_text_put_together_in_no_order_is_named(tmp_path: Path) -> None:
    customers = "select client as external_id, string_agg(id, ',') as name from bills group by all"
    assert {p.external_id for p in checked(tmp_path, customers=customers)} == {"0", "1", "2"}
