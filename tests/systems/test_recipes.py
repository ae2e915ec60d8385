"""The declarations of docs/systems.md, read from servers that page as the systems do."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
from small_api import Asked, serving
from warehouse import tables_read

from headrace.model.source_settings import SourceSettings
from headrace.sources.registry import open_source

PAGE = (Path(__file__).parents[2] / "docs" / "systems.md").read_text("utf-8")


def recipe(system: str) -> dict[str, Any]:
    """The source of the example that has a system's models."""
    for block in re.findall(r"```toml\n(.*?)```", PAGE, re.S):
        if f'models = "system:{system}"' in block and "[organisation.acme.source.options." in block:
            source: dict[str, Any] = tomllib.loads(block)["organisation"]["acme"]["source"]
            return source
    raise AssertionError(f"no example for {system}")


def test_freshbooks_is_read_by_its_declaration(tmp_path: Path) -> None:
    source = recipe("freshbooks")
    options = source["options"]
    asked: list[str] = []

    def answer(request: Asked) -> tuple[int, Any]:
        asked.append(request.path)
        parts = urlsplit(request.path)
        assert request.headers["Authorization"] == "Bearer t0ken"
        table, page = parts.path.rpartition("/")[2], int(parse_qs(parts.query)["page"][0])
        row = {"id": f"{table}-{page}", "vis_state": 0}
        return 200, {"response": {"result": {table: [row], "page": page, "pages": 2}}}

    with serving(answer) as url:
        options["client"]["base_url"] = f"{url}/accounting/account/ACCOUNT/"
        options["client"]["auth"]["token"] = "t0ken"
        options["rate"] = 6000
        book = duckdb.connect()
        tables = sorted(tables_read("freshbooks"))
        counts = open_source(SourceSettings(**source), tmp_path).stage(book, tables)
    assert counts == dict.fromkeys(tables, 2)
    found = book.execute("select id from source.invoices order by id").fetchall()
    assert found == [("invoices-1",), ("invoices-2",)]
    assert {urlsplit(path).path for path in asked} == {
        f"/accounting/account/ACCOUNT/{path}"
        for path in (
            "users/clients",
            "invoices/invoices",
            "payments/payments",
            "credit_notes/credit_notes",
        )
    }
