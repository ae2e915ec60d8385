"""`headrace init`, `tables`, `preview` and `test` as a person meets them."""

from __future__ import annotations

import io
import json
import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import closing, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from headrace.cli.main import run
from headrace.drafting.select import UNFINISHED
from project_books import aged, balances, errors, project_book

Capture = pytest.CaptureFixture[str]


def said(capsys: Capture, *words: str | Path) -> tuple[int, str, str]:
    """Exit code, output and errors of a command."""
    capsys.readouterr()
    code = run(list(map(str, words)))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    return _exports(tmp_path / "exports")


def _exports(folder: Path) -> Path:
    """Exports as an accountant makes them: days and amounts as people write them."""
    folder.mkdir()
    (folder / "clients.csv").write_text(
        "Code client,Raison sociale,Pays,Email\n"
        "C1,Moulin SA,Allemagne,compta@moulin.test\nC2,Borel,FR,\n"
        "C3,Faure,Italie,faure@faure.test\n"
    )
    (folder / "factures.csv").write_text(
        "Numero,Code client,Date,Echeance,Total TTC,Total HT,Devise,Statut\n"
        'F-1,C1,31/01/2026,02/03/2026,"1.377,58","1.147,98",EUR,validee\n'
        'F-2,C2,05/02/2026,07/03/2026,"12,50","10,42",EUR,brouillon\n'
        'F-3,C2,14/02/2026,16/03/2026,"240,00","200,00",EUR,validee\n'
        'F-4,C3,20/02/2026,22/03/2026,"(60,00)","(50,00)",EUR,validee\n'
    )
    (folder / "reglements.csv").write_text(
        "Id,Code client,Numero facture,Date,Montant,Mode\n"
        '1,C1,F-1,15/02/2026,"377,58",Virement\n2,C2,F-3,28/02/2026,"240,00",Carte\n'
    )
    return aged(folder)


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A project over such exports and a file of another kind, and what its draft says as JSON."""
    folder = tmp_path_factory.mktemp("drafted")
    exports = _exports(folder / "exports")
    (exports / "notes.txt").write_text("closed on Mondays")
    out = io.StringIO()
    with redirect_stdout(out):
        code = run(["init", str(exports), "--to", str(folder / "p"), "--json"])
    assert code == 0, out.getvalue()
    return folder / "p", json.loads(out.getvalue())


def test_exports_with_days_and_amounts_as_people_write_them_are_read(
    drafted: tuple[Path, Any], capsys: Capture
) -> None:
    project, document = drafted
    assert document["answers"]["leave_out"] == "Statut=brouillon"
    assert document["answers"]["credit_notes"] == "negative"
    assert document["answers"]["links"] == "Numero facture"
    with project_book(project) as book:
        assert errors(book) == []
        assert balances(book) == {("C1", "EUR"): 100_000, ("C3", "EUR"): -6_000}
        found = book.connection.execute(
            "select external_id, country from book.customers order by all"
        ).fetchall()
        assert found == [("C1", "Germany"), ("C2", "France"), ("C3", "Italy")]
        means = book.connection.execute(
            "select instrument from book.payments order by 1"
        ).fetchall()
        assert means == [("CARD",), ("WIRE_TRANSFER",)]
    assert document["balances"] == [{"currency": "EUR", "balance": 94_000, "customers": 2}]
    code, out, _ = said(capsys, "test", "--project", project)
    assert code == 0 and out.endswith(" 0 failed\n")


def test_what_is_not_recognised_is_left_to_do_and_runs(tmp_path: Path, capsys: Capture) -> None:
    with closing(sqlite3.connect(tmp_path / "odd.db")) as database:
        database.executescript(
            "create table xq1 (a integer, b text); insert into xq1 values (1, 'x');"
            "create table facturas (id integer, importe numeric);"
            "insert into facturas values (1, 2);"
        )
    code, out, err = said(capsys, "init", tmp_path / "odd.db", "--to", tmp_path / "p")
    assert code == 0, err
    assert f"models/customers.sql is not complete: see its `{UNFINISHED}`." in out
    assert UNFINISHED in (tmp_path / "p" / "models" / "customers.sql").read_text()
    assert "`models/customers.sql`" in (tmp_path / "p" / "README.md").read_text()
    code, out, _ = said(
        capsys,
        "init",
        tmp_path / "odd.db",
        "--to",
        tmp_path / "q",
        "--table",
        "customers=xq1",
        "--table",
        "invoices=facturas",
        "--json",
    )
    assert code == 3 and json.loads(out)["todo"] == ["customers", "invoices"]


def test_existing_files_are_not_written_over_and_a_dry_run_writes_none(
    exports: Path, tmp_path: Path, capsys: Capture
) -> None:
    (exports / "unread.csv").write_text('"this can not be read\n')
    only = ("--only", "cl*", "--only", "f*")
    code, out, _ = said(capsys, "init", exports, *only, "--to", tmp_path / "p", "--dry-run")
    (exports / "unread.csv").unlink()
    assert code == 0 and "models/invoices.sql" in out and "select" in out
    assert "models/payments.sql" not in out
    assert not (tmp_path / "p").exists()
    (tmp_path / "p" / "models").mkdir(parents=True)
    (tmp_path / "p" / "models" / "customers.sql").write_text("mine")
    code, out, err = said(capsys, "init", exports, "--to", tmp_path / "p")
    assert code == 6 and "customers.sql exists" in err and "--force" in err
    assert "Problems" not in out, "tried, though it can't be written"
    assert (tmp_path / "p" / "models" / "customers.sql").read_text() == "mine"
    assert not (tmp_path / "p" / "headrace.toml").exists()
    code, out, _ = said(capsys, "init", exports, "--to", tmp_path / "p", "--force")
    assert code == 0 and "models/payments.sql" in out
    assert (tmp_path / "p" / "models" / "customers.sql").read_text() != "mine"
    code, out, err = said(capsys, "init", exports, "--to", tmp_path / "p")
    assert (code, out) == (6, "") and "headrace.toml exists" in err, "before anything is looked at"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["/nowhere/at.all"], "is no database address, no SQLite file and no folder"),
        (["env:NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE is not set"),
        (["{exports}", "--system", "oddo"], "There is no system 'oddo'. Did you mean odoo?"),
        (["{exports}", "--table", "customers=nothing"], "The source has no table nothing"),
        (["{exports}", "--only", "bank*"], "--only bank*: the source has no such table"),
        (["{exports}", "--table", "buyers=clients"], "WHAT is one of customers"),
        (["{exports}", "--amounts", "cents"], "write major or minor"),
        (["{exports}", "--leave-out", "Statut"], "--leave-out 'Statut': write COLUMN=value"),
    ],
)
def test_a_wrong_word_is_one_sentence_and_nothing_is_written(
    words: list[str], message: str, exports: Path, tmp_path: Path, capsys: Capture
) -> None:
    given = [word.format(exports=exports) for word in words]
    code, out, err = said(capsys, "init", *given, "--to", tmp_path / "p", "--yes")
    assert code == 6 and message in err and err.count("\n") == 1, out + err
    assert not (tmp_path / "p").exists()


def test_a_password_in_the_address_is_written_nowhere(
    tmp_path: Path, postgres_database: str, capsys: Capture
) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as database:
        database.execute("create table customers (id int, name text)")
        database.execute("insert into customers values (1, 'A')")
    secret = postgres_database.replace("://", "://x:hunter2@", 1).replace(
        "x:hunter2@postgres", "postgres:hunter2"
    )
    address = secret if "hunter2" in secret else postgres_database
    code, out, err = said(capsys, "init", address, "--to", tmp_path / "p", "--yes")
    assert code == 0, err
    written = "".join(p.read_text() for p in (tmp_path / "p").rglob("*") if p.is_file())
    assert "env:SOURCE_URL" in written and "hunter2" not in written + out + err


def test_at_a_terminal_the_questions_are_asked_with_what_was_seen(
    exports: Path, tmp_path: Path
) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "headrace", "init", str(exports), "--to", str(tmp_path / "p")]
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": "200"}
    shown = b""
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        answered = 0
        with suppress(OSError):
            while part := os.read(ours, 4096):
                shown += part
                while answered < shown.count(b"]: "):
                    answered += 1
                    os.write(ours, b"none\n" if answered == 1 else b"\n")
        os.close(ours)
    text = shown.decode()
    assert process.returncode == 0, text
    assert "Which documents are drafts or cancelled?" in text
    assert "seen: Statut: validee (3), brouillon (1)" in text
    with project_book(tmp_path / "p") as book:  # the draft was kept, as was answered
        assert balances(book)["C2", "EUR"] == 1_250


def test_files_that_are_not_read_are_mentioned(
    drafted: tuple[Path, Any], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = ("--project", drafted[0])
    assert "not read: notes.txt" in said(capsys, "sources", *project)[1]  # without any keys
    monkeypatch.setenv("HEADRACE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("HEADRACE_KEY", "k")
    monkeypatch.setenv("HEADRACE_SECRET", "s")
    assert "  not read: notes.txt\n" in said(capsys, "check", *project)[1]
    assert json.loads(said(capsys, "check", *project, "--json")[1])[0]["unread"] == ["notes.txt"]


def test_tables_and_previews_show_what_there_is(drafted: tuple[Path, Any], capsys: Capture) -> None:
    project, _ = drafted
    _, out, _ = said(capsys, "tables", "--project", project)
    assert "  factures: 4 rows\n    Numero, Code client, Date" in out
    _, out, _ = said(capsys, "tables", "--project", project, "--json")
    assert [t["rows"] for t in json.loads(out)[0]["tables"]] == [3, 4, 2]
    _, out, _ = said(capsys, "preview", "invoices", "--project", project, "--json")
    model: dict[str, Any] = json.loads(out)
    assert (model["kind"], model["rows"]) == ("model", 2)
    assert {c["name"]: c["values"] for c in model["columns"]}["currency"] == {"EUR": 2}
    _, out, _ = said(capsys, "preview", "factures", "--project", project, "--limit", "1")
    assert out.startswith("table factures: 4 rows\n") and out.count("\n- Numero ") == 1
    code, _, err = said(capsys, "preview", "facture", "--project", project)
    assert code == 6 and "Did you mean factures?" in err
    (project / "models" / "invoices.sql").write_text("select nme from factures")
    code, _, err = said(capsys, "preview", "invoices", "--project", project)
    assert code == 6 and "invoices.sql, line 1" in err and "factures has: Numero" in err


GOOD = """
- test: a draft is left out
  model: invoices
  given:
    bills:
      - {id: 1, client: 7, number: F-1, total: 12.50, state: sent, day: 2026-05-05, land: NO}
      - {id: 2, client: 7, number: F-2, total: 99, state: draft, day: 2026-05-06, land: NO}
  expect:
    - {external_id: 1, custom_id: F-1, gross_amount: 1250, issued_at: 2026-05-05}
"""
MODEL = """
select id as external_id, client as customer_external_id, number as custom_id, day as issued_at,
    day as due_date, 'EUR' as currency, minor(total, 'EUR') as gross_amount,
    minor(total, 'EUR') as net_amount, land as name
from bills where state <> 'draft'
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one model and no source at hand."""
    (tmp_path / "models").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "models" / "invoices.sql").write_text(MODEL)
    (tmp_path / "models" / "customers.sql").write_text("select id as external_id, name from people")
    (tmp_path / "headrace.toml").write_text(
        '[organisation.a]\ntarget = { key = "env:K", secret = "env:S" }\n'
        'source = { kind = "sql", url = "env:NOWHERE" }\n'
    )
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("", "", 0, "passed invoices.yaml: a draft is left out\n1 test, 0 failed\n"),
        ("1250", "1251", 3, "missing: external_id 1, custom_id F-1, gross_amount 1251"),
        ("1250", "1251", 3, "unexpected: external_id 1, custom_id F-1, gross_amount 1250"),
        ("issued_at: 2026-05-05", "name: NO", 0, "1 test, 0 failed"),
        ("gross_amount", "gros", 3, "`expect` has a column gros, which invoices does not"),
        ("bills:", "billz:", 3, "invoices reads bills, which `given` lacks"),
        ("model: invoices", "model: invoice", 3, "there is no model invoice: customers, invoices"),
        (", land: NO", "", 3, "bills has: id, client"),
        ("- test", "- tests", 6, "A test is `test`, `model`, `given` and `expect`."),
        ("- {id: 1", "- {id 1: [", 6, "invoices.yaml is not YAML"),
    ],
)
def test_a_unit_test_says_what_differs_or_what_is_wrong_with_it(
    old: str, new: str, code: int, message: str, project: Path, capsys: Capture
) -> None:
    text = GOOD.replace(old, new) if old else GOOD
    (project / "tests" / "invoices.yaml").write_text(text)
    done, out, err = said(capsys, "test", "--project", project)
    assert (done, message in out + err) == (code, True), out + err


def test_rows_may_be_a_select_and_tests_are_chosen_by_words(project: Path, capsys: Capture) -> None:
    sql = (
        "- test: as SQL\n  model: customers\n  given:\n    people: select 1 as id, 'A' as name\n"
        "  expect: select '1' as external_id, 'A' as name\n"
    )
    (project / "tests" / "sql.yaml").write_text(sql)
    (project / "tests" / "invoices.yaml").write_text(GOOD.replace("1250", "9"))
    code, out, _ = said(capsys, "test", "as sql", "--project", project, "--json")
    assert code == 0 and [one["test"] for one in json.loads(out)] == ["as SQL"]
    code, _, err = said(capsys, "test", "nothing like it", "--project", project)
    assert code == 6 and "There is no test that fits" in err


@pytest.mark.parametrize("other", ["source.bills", "memory.book.invoices", "memory.main.expected"])
def test_a_test_knows_nothing_of_the_one_before(other: str, project: Path, capsys: Capture) -> None:
    (project / "tests" / "a.yaml").write_text(GOOD)
    (project / "tests" / "b.yaml").write_text(
        "- test: as SQL\n  model: customers\n  given:\n"
        f"    people: select 1 as id, 'A' as name from {other}\n  expect: []\n"
    )
    code, out, _ = said(capsys, "test", "--project", project, "--json")
    first, second = json.loads(out)
    assert code == 3 and first["passed"], out
    assert "does not exist" in second["error"], out
