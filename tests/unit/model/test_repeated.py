"""A text that comes back is parsed once, and does what it did."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from headrace.model import repeated
from headrace.model.repeated import run


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(repeated, "_PARSED", {})
    monkeypatch.setattr(repeated, "_CAME", set())
    yield


def test_statements_run_on_any_connection_as_often_as_they_come() -> None:
    text = "create or replace table t as select 1 as i; insert into t values (2); from t order by i"
    for _ in range(2):
        with duckdb.connect() as connection:
            for _ in range(3):
                assert run(connection, text).fetchall() == [(1,), (2,)]
    assert list(repeated._PARSED) == [text]


def test_values_belong_to_each_run() -> None:
    with duckdb.connect() as connection:
        for number in (5, 6, 7):
            text = "select $1::integer + 1, $2::varchar[]"
            assert run(connection, text, [number, ["a"]]).fetchall() == [(number + 1, ["a"])]


def test_a_table_that_changed_is_bound_anew() -> None:
    with duckdb.connect() as connection:
        for kind in ("integer", "varchar", "date"):
            connection.execute(f"create or replace table t (c {kind})")
            assert run(connection, "describe t").fetchall()[0][1] == kind.upper()


@pytest.mark.parametrize("text", ["select from where", "from nowhere", "select 1/'x'"])
def test_an_error_is_the_same_each_time(text: str) -> None:
    with duckdb.connect() as connection:
        said = []
        for _ in range(3):
            with pytest.raises(duckdb.Error) as caught:
                run(connection, text)
            said.append((type(caught.value), str(caught.value)))
        with pytest.raises(duckdb.Error) as caught:
            connection.execute(text)
        assert said == 3 * [(type(caught.value), str(caught.value))]


def test_a_text_that_comes_back_is_parsed_once() -> None:
    with duckdb.connect() as connection:
        for _ in range(2):
            run(connection, "select 1")
        kept = repeated._PARSED["select 1"]
        run(connection, "select 1")
        assert repeated._PARSED["select 1"] is kept


def test_texts_that_never_come_back_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated, "_MOST", 5)
    came, parsed = set(), set()
    with duckdb.connect() as connection:
        for number in range(200):
            assert run(connection, f"select {number}").fetchall() == [(number,)]
            came.add(len(repeated._CAME))
        assert not repeated._PARSED
        for number in range(20):
            for _ in range(2):
                run(connection, f"select {number}, 0")
            parsed.add(len(repeated._PARSED))
    assert (max(came), max(parsed)) == (50, 5)
