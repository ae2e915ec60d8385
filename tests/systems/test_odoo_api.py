"""Odoo read by JSON-RPC: the same tables, queries and models as over its database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_api import Asked, serving, write_project
from warehouse import links, steady_book

from headrace.model.errors import SourceError
from headrace.sources.programs.extraction import ExtractionSource
from headrace.systems.catalogue import extraction_folder
from project_books import errors, open_amounts, project_book

KEY = "odoo-key-0123456789"
OLD, NEW = "2026-11-01 10:00:00", "2026-11-20 10:00:00"
PARTNER = {
    "id": 7,
    "company_id": [1, "Our company"],
    "name": "Acme",
    "complete_name": "Acme",
    "vat": False,
    "ref": "C7",
    "street": "1 High St",
    "street2": False,
    "zip": "LS1",
    "city": "Leeds",
    "country_id": [1, "France"],
    "commercial_partner_id": [7, "Acme"],
    "customer_rank": 1,
    "email_normalized": "a@acme.test",
    "phone": False,
    "active": True,
    "write_date": OLD,
}
MOVE = {
    "id": 1,
    "company_id": [1, "Our company"],
    "name": "INV/1",
    "move_type": "out_invoice",
    "state": "posted",
    "payment_state": "partial",
    "ref": False,
    "invoice_date": "2026-11-01",
    "invoice_date_due": False,
    "commercial_partner_id": [7, "Acme"],
    "currency_id": [1, "EUR"],
    "amount_total": 1234567890123.45,
    "amount_untaxed": 1234567890123.4,
    "amount_residual": 1,
    "statement_line_id": False,
    "write_date": OLD,
}
LINE = {
    "id": 1,
    "company_id": [1, "Our company"],
    "move_id": [1, "INV/1"],
    "account_id": [1, "AR"],
    "currency_id": [1, "EUR"],
    "partner_id": [7, "Acme"],
    "parent_state": "posted",
    "date": "2026-11-01",
    "amount_currency": 1234567890123.45,
    "write_date": OLD,
}
PAYMENT = {
    "id": 5,
    "company_id": [1, "Our company"],
    "name": "PAY/5",
    "move_id": [2, "PAY/5"],
    "payment_type": "inbound",
    "partner_type": "customer",
    "partner_id": [7, "Acme"],
    "currency_id": [1, "EUR"],
    "amount": 0.1,
    "date": "2026-11-02",
    "state": "paid",
    "invoice_ids": [1],
    "write_date": OLD,
}
PAID = MOVE | {"id": 2, "name": "PAY/5", "move_type": "entry", "payment_state": "not_paid"}
PAID_LINE = LINE | {"id": 2, "move_id": [2, "PAY/5"], "amount_currency": -0.1}
MATCH = {
    "id": 9,
    "debit_move_id": [1, "INV/1"],
    "credit_move_id": [2, "PAY/5"],
    "debit_amount_currency": 0.1,
    "credit_amount_currency": 0.1,
    "max_date": "2026-11-02",
    "write_date": OLD,
}


class Odoo:
    """A database with one invoice that is paid in part."""

    def __init__(self) -> None:
        self.models: dict[str, list[dict[str, Any]]] = {
            "res.users": [{"id": 2, "company_ids": [1, 3]}],
            "res.partner": [dict(PARTNER)],
            "res.country": [{"id": 1, "name": "France", "write_date": OLD}],
            "res.currency": [{"id": 1, "name": "EUR", "write_date": OLD}],
            "account.account": [{"id": 1, "account_type": "asset_receivable", "write_date": OLD}],
            "account.move": [dict(MOVE), dict(PAID)],
            "account.move.line": [dict(LINE), dict(PAID_LINE)],
            "account.payment": [dict(PAYMENT)],
            "account.partial.reconcile": [dict(MATCH)],
        }
        self.read: list[str] = []
        """Each record that was given away, as `model id`."""

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Answer a call as Odoo does, errors with status 200."""
        said = asked.body["params"]
        if said["method"] == "login":
            return 200, {"result": 2 if said["args"][2] == KEY else False}
        _, _, key, model, method, given, named = said["args"]
        assert key == KEY
        if method == "read":
            return 200, {"result": self.models[model]}
        assert named["context"]["allowed_company_ids"] == [1, 3]
        if model not in self.models:
            return 200, {"error": {"data": {"message": f"Object {model} doesn't exist"}}}
        domain = given[0]
        start = next((part[2] for part in domain if part[0] == "write_date"), "")
        after = next((part[2] for part in domain if part[0] == "id"), 0)
        rows = [one for one in self.models[model] if one["id"] > after]
        if method == "search":
            return 200, {"result": [one["id"] for one in rows]}
        rows = [one for one in rows if one.get("write_date", "") >= start]
        self.read += [f"{model} {one['id']}" for one in rows]
        return 200, {"result": [{name: one[name] for name in ["id", *given[1]]} for one in rows]}


@pytest.fixture
def odoo() -> Iterator[tuple[Odoo, dict[str, str]]]:
    made = Odoo()
    with serving(made.answer) as url:
        yield made, {"url": url, "database": "prod", "user": "reader", "key": KEY}


def test_the_models_make_the_same_of_it_as_of_the_database(
    odoo: tuple[Odoo, dict[str, str]], tmp_path: Path
) -> None:
    write_project(tmp_path, "odoo", odoo[1])
    with steady_book(tmp_path) as book:
        assert errors(book) == []
        assert links(book) == {("payment", "5", "invoice", "1", 10)}
        assert open_amounts(book)["invoice", "1"] == 123456789012345 - 10
        found = book.connection.execute("select vat_number, country from book.customers")
        assert found.fetchall() == [(None, "France")]
    settings = (tmp_path / "headrace.toml").read_text("utf-8")
    restricted = settings.replace("models =", 'parameters = { companies = "2" }\nmodels =', 1)
    (tmp_path / "headrace.toml").write_text(restricted)
    with project_book(tmp_path) as book:
        assert open_amounts(book) == {}


def test_only_what_was_written_is_read_again_and_deletions_are_noticed_at_once(
    odoo: tuple[Odoo, dict[str, str]],
) -> None:
    system, options = odoo
    book = duckdb.connect()
    source = ExtractionSource(extraction_folder("system:odoo"), options, {})
    names = ["res_partner", "account_partial_reconcile", "account_move__account_payment"]
    source.stage(book, names)
    system.models["res.partner"].append(PARTNER | {"id": 8, "write_date": NEW})
    source.stage(book, names)
    system.read.clear()
    system.models["account.partial.reconcile"].clear()
    system.models["account.payment"][0]["invoice_ids"] = []
    counts = source.stage(book, names)
    assert counts == dict(zip(names, (2, 0, 0), strict=True))
    # An hour before the last change is read once more, and not what is older.
    assert system.read == ["account.payment 5", "res.partner 8"]


def test_a_wrong_key_and_an_unknown_model_are_one_sentence(
    odoo: tuple[Odoo, dict[str, str]],
) -> None:
    system, options = odoo
    folder = extraction_folder("system:odoo")
    with pytest.raises(SourceError, match="Odoo refuses user reader: check user and key"):
        wrong = ExtractionSource(folder, options | {"key": "wrong-key-000"}, {})
        wrong.stage(duckdb.connect(), ["res_partner"])
    del system.models["res.partner"]
    with pytest.raises(SourceError, match=r"Object res\.partner doesn't exist"):
        ExtractionSource(folder, options, {}).stage(duckdb.connect(), ["res_partner"])
