"""Unit tests of models written as SQL files."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.cli.main import run

SQL = """-- What the shop does with its bills.
-- test: a draft is left out
-- model: invoices
-- parameter: home = FR
-- given: bills
select 1 as id, 12.50 as total, 'sent' as state  -- expected to stay
union all select 2, 99, 'draft';
-- expect
select '1' as external_id, 1250 as gross_amount, 'FR' as name;

-- test: nothing makes nothing
-- model: invoices
-- given: bills
select 1 as id, 1 as total, 'x' as state where false
-- expect
select '1' as external_id where false
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "models").mkdir()
    (folder / "tests").mkdir()
    (folder / "models" / "invoices.sql").write_text(
        "select id as external_id, id as custom_id, 7 as customer_external_id, 'EUR' as currency,"
        " date '2026-05-05' as issued_at, issued_at as due_date, getvariable('home') as name,"
        " minor(total, 'EUR') as gross_amount, gross_amount as net_amount"
        " from bills where state <> 'draft'"
    )
    (folder / "models" / "customers.sql").write_text("select 1 as external_id, 'A' as name")
    (folder / "headrace.toml").write_text(
        '[organisation.a]\ntarget = { key = "env:K", secret = "env:S" }\n'
        'source = { kind = "sql", url = "env:NOWHERE" }\n'
    )
    return folder


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("", "", 0, "passed bills.sql: nothing makes nothing\n2 tests, 0 failed\n"),
        ("1250", "1251", 3, "missing: external_id 1, gross_amount 1251, name FR"),
        ("'1' as external_id where", "'1' as ext where", 3, "`expect` has a column ext"),
        ("where false\n-- expect", "where fals\n-- expect", 3, "fals"),
        ("-- test: a draft", "-- tests: a draft", 6, "bills.sql: line 3: a test begins with"),
        ("-- model: invoices\n-- p", "-- p", 6, "missing required field `model`"),
        ("select '1' as external_id where false\n", "", 6, "line 15: a SELECT is missing below it"),
    ],
)
def test_an_sql_file_holds_tests_and_says_what_is_wrong(
    old: str, new: str, code: int, message: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old in SQL
    (project / "tests" / "bills.sql").write_text(SQL.replace(old, new, 1) if old else SQL)
    done = run(["test", "--project", str(project)])
    said = capsys.readouterr()
    assert (done, message in said.out + said.err) == (code, True), said
