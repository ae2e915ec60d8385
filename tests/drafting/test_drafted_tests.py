"""Unit tests that are drafted from real rows: few, and with one that the model leaves out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from headrace.drafting import unit_tests
from headrace.drafting.scratch import Scratch
from headrace.drafting.trial import try_models
from headrace.model.source_settings import SourceSettings
from project_books import aged

ROWS = 20
_SELECT = "select id as external_id, 'name' as name from {}"
Draft = Callable[..., dict[str, Any]]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of how many rows at a time the models made rows."""
    counted: list[int] = []
    rows_made = unit_tests.rows_made

    def count(book: Any, model: Any, given: Any) -> Any:
        counted.append(len(given["clients"]))
        return rows_made(book, model, given)

    monkeypatch.setattr(unit_tests, "rows_made", count)
    return counted


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    """The test of a model of customers with this SELECT, whose source has some clients."""

    def make(select: str, clients: int = ROWS) -> dict[str, Any]:
        exports, models = tmp_path / "exports", tmp_path / "models"
        exports.mkdir()
        models.mkdir()
        lines = [
            f"{number},{'old' if number == 15 else 'new'}\n" for number in range(1, clients + 1)
        ]
        (exports / "clients.csv").write_text("id,state\n" + "".join(lines))
        (models / "customers.sql").write_text(select)
        settings = SourceSettings(kind="files", path=str(aged(exports)))
        with Scratch(settings, tmp_path) as scratch:
            try_models(scratch, models)
            (text,) = unit_tests.draft_tests(scratch).values()
        (test,) = yaml.safe_load(text)
        return dict(test)

    return make


def test_a_model_that_leaves_nothing_out_is_not_run_for_each_row(
    draft: Draft, runs: list[int]
) -> None:
    test = draft(_SELECT.format("clients"))
    assert test["test"].endswith("as they are")
    assert len(test["given"]["clients"]) == len(test["expect"]) == 2
    assert runs == [1, 1, ROWS - 2, 2]


def test_a_row_that_is_left_out_is_found_among_many(draft: Draft, runs: list[int]) -> None:
    test = draft(_SELECT.format("clients where state <> 'old'"))
    assert test["test"].endswith("and leaves one out")
    assert [row["state"] for row in test["given"]["clients"]] == ["new", "new", "old"]
    assert len(test["expect"]) == 2
    assert len(runs) < ROWS + 2


def test_a_model_that_joins_rows_into_one_has_a_test(draft: Draft) -> None:
    test = draft("select 1 as external_id, min(state) as name from clients having count(*) > 0")
    assert test["test"].endswith("as they are")
    assert len(test["expect"]) == 1


@pytest.mark.parametrize("clients", [1, 2, 3])
def test_a_source_of_few_rows_has_a_test_of_what_there_is(
    draft: Draft, runs: list[int], clients: int
) -> None:
    test = draft(_SELECT.format("clients"), clients)
    assert len(test["expect"]) == min(clients, 2)
    assert 0 not in runs
