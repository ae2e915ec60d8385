"""Stripe's own example objects: the models read the fields that the published API has."""

from __future__ import annotations

import json
from pathlib import Path

from warehouse import exported, external_ids, tables_read

from project_books import errors
from published import published


def test_the_models_read_stripes_published_example_objects(tmp_path: Path) -> None:
    resources = json.loads(published("stripe/fixtures3.json").read_text("utf-8"))["resources"]
    tables = {table: [resources[table.removesuffix("s")]] for table in tables_read("stripe")}
    # The example is a draft: as it would be once it is finalised.
    (invoice,) = tables["invoices"]
    invoice |= {"status": "open", "number": "F-1"}
    invoice["status_transitions"] |= {"finalized_at": 1234567890}
    with exported("stripe", tables, tmp_path) as book:
        assert errors(book) == []
        assert external_ids(book, "invoices") == {invoice["id"]}
        assert external_ids(book, "customers") == {resources["customer"]["id"]}
        # No event says that the example charge paid an invoice.
        assert external_ids(book, "payments") == set()
        found = book.connection.execute(
            "select i.gross_amount, n.gross_amount, n.currency from book.invoices i,"
            " book.credit_notes n"
        ).fetchall()
        assert found == [(1000, 1690, "USD")]
