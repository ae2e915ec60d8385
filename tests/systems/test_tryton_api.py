"""Tryton read by its REST API: the same tables, queries and models as over its database."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest
from small_api import Asked, serving, write_project
from warehouse import links, steady_book

from headrace.cli.main import run
from headrace.model.errors import SourceError
from headrace.sources.programs.extraction import ExtractionSource
from headrace.systems.catalogue import extraction_folder
from project_books import errors, open_amounts

KEY = "0123456789abcdef0123456789abcdef"


def _money(digits: str) -> dict[str, str]:
    return {"__class__": "Decimal", "decimal": digits}


def _day(day: int) -> dict[str, Any]:
    return {"__class__": "date", "year": 2026, "month": 11, "day": day}


def _moment(day: int) -> dict[str, Any]:
    return _day(day) | {"__class__": "datetime", "hour": 9, "minute": 0, "second": 0}


def _models() -> dict[str, list[dict[str, Any]]]:
    """A company with one invoice that is paid in part."""
    move = {"company": 1, "date": _day(1), "state": "posted"}
    line = {"account": 1, "party": 1, "maturity_date": None, "reconciliation": None}
    line |= {"amount_second_currency": None, "second_currency": None}
    return {
        "party.party": [{"id": 1, "name": "Acme", "code": "C1"}],
        "party.address": [],
        "party.contact_mechanism": [],
        "currency.currency": [{"id": 1, "code": "EUR"}],
        "company.company": [{"id": 1, "currency": 1}],
        "account.account": [{"id": 1, "type": 1}],
        "account.account.type": [{"id": 1, "receivable": True}],
        "account.journal": [{"id": 1, "type": "revenue"}, {"id": 2, "type": "cash"}],
        "account.move": [
            {"id": 1, "journal": 1, "number": "M1", **move},
            {"id": 2, "journal": 2, "number": "M2", **move},
        ],
        "account.move.line": [
            {
                "id": 1,
                "move": 1,
                "debit": _money("1234567890123.45"),
                "credit": _money("0"),
                **line,
            },
            {"id": 2, "move": 2, "debit": _money("0"), "credit": _money("0.10"), **line},
        ],
        "account.invoice": [
            {
                "id": 1,
                "type": "out",
                "state": "posted",
                "number": "F1",
                "reference": "",
                "description": None,
                "party": 1,
                "currency": 1,
                "account": 1,
                "move": 1,
                "cancel_move": None,
                "invoice_date": _day(1),
                "untaxed_amount_cache": _money("1234567890123.45"),
            }
        ],
        "account.invoice-account.move.line": [{"id": 1, "invoice": 1, "line": 2}],
    }


class Tryton:
    """A database over REST."""

    def __init__(self) -> None:
        self.models = _models()
        self.read: list[str] = []
        """Each record that was given away whole, as `model id`."""

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Answer a search."""
        if asked.headers["Authorization"] != f"Bearer {KEY}":
            return 403, {"error": f"no such key as {asked.headers['Authorization']}"}
        path = urlsplit(asked.path)
        query = parse_qs(path.query)
        model = path.path.rpartition("/")[2]
        if model not in self.models:
            return 404, {}
        domain = json.loads(base64.urlsafe_b64decode(query["d"][0]))
        after = next(part[2] for part in domain if part[0] == "id")
        start = next((part[1][0][2]["day"] for part in domain if part[0] == "OR"), 0)
        rows = [
            {"write_date": None, "create_date": _moment(1)} | one
            for one in self.models[model]
            if one["id"] > after
        ]
        rows = [one for one in rows if (one["write_date"] or one["create_date"])["day"] >= start]
        if "write_date" in query["f"]:
            self.read += [f"{model} {one['id']}" for one in rows]
        return 200, [{name: one[name] for name in query["f"]} for one in rows]


@pytest.fixture
def tryton() -> Iterator[tuple[Tryton, dict[str, str]]]:
    made = Tryton()
    with serving(made.answer) as url:
        yield made, {"url": f"{url}/ledger", "key": KEY}


def test_the_models_make_the_same_of_it_as_of_the_database(
    tryton: tuple[Tryton, dict[str, str]], tmp_path: Path
) -> None:
    write_project(tmp_path, "tryton", tryton[1])
    with steady_book(tmp_path) as book:
        assert errors(book) == []
        assert links(book) == {("payment", "2", "invoice", "1", 10)}
        assert open_amounts(book)["invoice", "1"] == 123456789012345 - 10


def test_only_what_was_written_is_read_again_and_deletions_are_noticed_at_once(
    tryton: tuple[Tryton, dict[str, str]],
) -> None:
    system, options = tryton
    book = duckdb.connect()
    source = ExtractionSource(extraction_folder("system:tryton"), options, {})
    names = ["party_party", "account_invoice-account_move_line"]
    source.stage(book, names)
    changed = {"id": 2, "name": "New", "code": "C2", "write_date": _moment(20)}
    system.models["party.party"].append(changed)
    source.stage(book, names)
    system.read.clear()
    system.models["account.invoice-account.move.line"].clear()
    assert source.stage(book, names) == {names[0]: 2, names[1]: 0}
    assert system.read == ["party.party 2"]


def test_a_wrong_key_and_an_address_without_rest_are_one_sentence(
    tryton: tuple[Tryton, dict[str, str]],
) -> None:
    system, options = tryton
    folder = extraction_folder("system:tryton")
    with pytest.raises(SourceError, match="answers 403 Forbidden") as caught:
        wrong = ExtractionSource(folder, options | {"key": "wrong-key-000"}, {})
        wrong.stage(duckdb.connect(), ["party_party"])
    assert "wrong-key" not in str(caught.value)
    system.models.clear()
    with pytest.raises(SourceError, match=r"no REST API, or no party\.party, at this address"):
        ExtractionSource(folder, options, {}).stage(duckdb.connect(), ["party_party"])


def test_a_project_is_drafted_from_the_api_with_its_secrets_outside(
    tryton: tuple[Tryton, dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, options = tryton
    command = ["init", "--system", "tryton", "--to", str(tmp_path / "acme"), "--json"]
    assert run(command) == 6
    assert "set TRYTON_URL, TRYTON_KEY and run the command again" in capsys.readouterr().out
    for name, value in options.items():
        monkeypatch.setenv(f"TRYTON_{name.upper()}", value)
    assert run(command) == 0
    drafted = json.loads(capsys.readouterr().out)
    assert (drafted["system"], drafted["todo"]) == ("tryton", [])
    written = (tmp_path / "acme" / "headrace.toml").read_text("utf-8")
    assert 'options = { url = "env:TRYTON_URL", key = "env:TRYTON_KEY" }' in written
    assert KEY not in written
    assert "TRYTON_KEY=\n" in (tmp_path / "acme" / ".env.example").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Name the source"),
        (["--system", "gnucash"], "by its API, only chargebee, freshbooks, netsuite, odoo, quick"),
        (["--system", "xero"], "By its API the system is xero_api: write"),
        (["--system", "stripe_fivetran"], "or --system stripe with"),
    ],
)
def test_a_system_without_an_api_needs_a_source(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", *words, "--to", str(tmp_path)]) == 6
    assert said in capsys.readouterr().err
