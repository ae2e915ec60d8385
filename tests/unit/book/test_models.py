"""Models: read, refused with the file and the remedy, run into canonical tables."""

from pathlib import Path

import pytest

from headrace.book.book import Book
from headrace.book.models import load_models, tables_read
from headrace.model.errors import ModelError

CUSTOMERS = "select id as external_id, name from clients"


def run(folder: Path, **models: str) -> Book:
    (folder / "models").mkdir()
    for name, sql in models.items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    book = Book(folder / "cache.duckdb")
    with book.staging() as connection:
        connection.execute(
            "create table source.clients as select 1 as id, ' Upflow SAS ' as name, 'x' as note; "
            "create table source.bills as select 7 as id, 1 as client, 'EUR' as currency, "
            "'12.50' as total, timestamptz '2026-01-01 10:00:00+02' as stamp, "
            "date '2026-02-01' as due"
        )
    book.build(load_models(folder / "models", ["clients", "bills"]))
    return book


def test_ids_become_text_and_dates_become_utc(tmp_path: Path) -> None:
    book = run(
        tmp_path,
        customers=CUSTOMERS,
        invoices="select id as external_id, client as customer_external_id, 'N7' as custom_id, "
        "stamp as issued_at, due as due_date, currency, minor(total, currency) as gross_amount, "
        "minor(total, currency) as net_amount from bills;",
    )
    assert book.connection.execute("from book.customers select external_id, name").fetchall() == [
        ("1", "Upflow SAS")
    ]
    rows = book.connection.execute(
        "from book.invoices select external_id, customer_external_id, gross_amount, "
        "strftime(issued_at, '%Y-%m-%d %H:%M'), strftime(due_date, '%Y-%m-%d %H:%M')"
    ).fetchall()
    assert rows == [("7", "1", 1250, "2026-01-01 08:00", "2026-02-01 00:00")]


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ({}, "No model makes the table customers"),
        ({"customers": "select id as external_id from clients"}, "lacks the column name"),
        (
            {"customers": "select id as external_id, name, note as vat_nr from clients"},
            "did you mean vat_number",
        ),
        ({"customers": CUSTOMERS, "invoces": "select 1"}, "did you mean invoices"),
        ({"customers": "selec 1"}, "customers.sql, line 1: Parser Error: syntax error"),
        ({"customers": f"{CUSTOMERS}; drop table clients"}, "one SELECT statement"),
        ({"customers": "drop table clients"}, "one SELECT statement"),
        ({"customers": "select nme as external_id, name from clients"}, "customers.sql, line 1: Binder Error"),
        (
            {"customers": "select cast(name as integer) as external_id, name from clients"},
            "minor() and try_cast() keep one bad value",
        ),
    ],
)
def test_a_model_that_can_not_run_is_named(
    tmp_path: Path, models: dict[str, str], said: str
) -> None:
    with pytest.raises(ModelError) as error:
        run(tmp_path, **models)
    assert said in str(error.value)


def test_the_tables_that_a_model_names() -> None:
    sql = (
        "with x as (select * from Foo f join other.baz using (id)) "
        "select 1 from x, invoices where a in (select z from q) union all select 1 from (from t2)"
    )
    assert tables_read(sql) == {"foo", "baz", "invoices", "q", "t2"}


def test_without_a_models_folder_the_source_is_taken_as_it_stands(tmp_path: Path) -> None:
    models = load_models(tmp_path / "models", ["customers", "invoices", "unrelated"])
    assert [model.table.name for model in models] == ["customers", "invoices"]
