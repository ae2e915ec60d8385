"""Custom fields: what is read, and what is the problem of its own field alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from books import customer, fill, withheld
from headrace.book.book import Book
from headrace.book.payloads.directory import Directory, Field
from headrace.book.payloads.payloads import Payloads, encode_payload
from headrace.model.custom_field import DataType

TYPES: tuple[DataType, ...] = get_args(DataType)
FIELDS = [Field(kind, kind, id=f"id-{kind}", external_id=kind) for kind in TYPES]
NOTHING: list[Any] = [None, "", "  ", [], {}, "[]", "{}"]
READ: dict[str, list[tuple[Any, Any]]] = {
    "TEXT": [("a", "a"), (" a ", "a"), (12, "12"), (True, "true"), (1.5, "1.5"), (["a"], "a")],
    "NUMBER": [("0042", 42), ("-007.50", -7.5), ("+3", 3), (12, 12), (1.5, 1.5), ("0", 0)],
    "DATE": [("2026-05-05", "2026-05-05"), ("2026-05-05T10:00:00Z", "2026-05-05T10:00:00Z")],
    "BOOLEAN": [
        (True, True), ("TRUE", True), ("Yes", True), ("on", True), (1, True), ("1", True),
        (False, False), ("f", False), ("No", False), (0, False), ("off", False),
    ],
    "SELECT": [("One", {"label": "One"}), (7, {"label": "7"}), (["One"], {"label": "One"})],
    "MULTI_SELECT": [
        ("One", [{"label": "One"}]),
        (["One", 2, None, ""], [{"label": "One"}, {"label": "2"}]),
    ],
}  # fmt: skip
UNREAD: dict[str, list[Any]] = {
    "TEXT": [{"a": 1}, ["a", "b"], "x" * 10_001],
    "NUMBER": ["ten", "1,5", "1.377,58", True, {"a": 1}, [1, 2], "1e5", "٣"],
    "DATE": ["05/05/2026", "2026-13-01", "soon", 20260505, "20226-05-05", "2026-05-05T25:00:00"],
    "BOOLEAN": ["perhaps", 2, {"a": 1}],
    "SELECT": [{"label": "One"}, ["One", "Two"], "x" * 251],
    "MULTI_SELECT": [[{"label": "One"}], [["One"]], {"label": "One"}, ["x" * 251]],
}
CASES = [
    *((kind, value, None) for kind in TYPES for value in NOTHING),
    *((kind, value, sent) for kind in TYPES for value, sent in READ[kind]),
]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("custom")
    with Book(folder / "cache.duckdb", readable=[folder]) as book:
        book.set_directory(Directory(fields=FIELDS))
        yield folder, book


def filled(book: tuple[Path, Book], *given: Any) -> tuple[Book, dict[str, Any]]:
    """The book of one customer for each of the values, and what it sends of each."""
    folder, one = book
    rows = [customer(f"c{place}", custom_fields=value) for place, value in enumerate(given)]
    fill(one, folder, customers=rows)
    one.check()
    ids = [row["external_id"] for row in rows]
    records = Payloads(one.connection, one.columns).fetch("customer", ids)
    bodies = {
        name: msgspec.json.decode(encode_payload(record)[0]) for name, record in records.items()
    }
    return one, {
        name: {value["externalId"]: value["value"] for value in body.get("customFields", [])}
        for name, body in bodies.items()
    }


def test_a_value_is_read_as_its_field_takes_it(book: tuple[Path, Book]) -> None:
    texts = [json.dumps({kind: value}) for kind, value, _ in CASES]
    found, sent = filled(book, *texts)
    assert [sent[f"c{place}"] for place in range(len(CASES))] == [
        {kind: value} for kind, _, value in CASES
    ]
    assert found.problems() == []


def test_a_value_that_its_field_can_not_take_is_left_out_and_named(
    book: tuple[Path, Book],
) -> None:
    cases = [(kind, value) for kind in TYPES for value in UNREAD[kind]]
    other = {kind: "TEXT" if kind != "TEXT" else "SELECT" for kind in TYPES}
    texts = [json.dumps({kind: value, other[kind]: "kept"}) for kind, value in cases]
    found, sent = filled(book, *texts)
    for place, (kind, _) in enumerate(cases):
        assert set(sent[f"c{place}"]) == {other[kind]}
    named = {problem.external_id for problem in found.problems()}
    assert named == {f"c{place}" for place in range(len(cases))}
    assert all(problem.severity == "warning" for problem in found.problems())
    assert withheld(found) == {}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ('{"TEXT": "a"}', {"TEXT": "a"}),
        ('"{\\"TEXT\\": \\"a\\"}"', {"TEXT": "a"}),
        (json.dumps(json.dumps(json.dumps({"TEXT": "a"}))), {"TEXT": "a"}),
        ('{"TEXT": "a",}', {"TEXT": "a"}),
        ("[]", {}),
        ("{}", {}),
        ("", {}),
        ("  ", {}),
        ("null", {}),
        ('""', {}),
        (None, {}),
        ('{"NUMBER": NaN, "TEXT": "a"}', {"TEXT": "a"}),
        ('{"NUMBER": 1e999, "TEXT": "a"}', {"TEXT": "a"}),
    ],
)
def test_custom_fields_are_read_however_they_were_encoded(
    book: tuple[Path, Book], given: str | None, sent: dict[str, Any]
) -> None:
    found, values = filled(book, given, '{"TEXT": "b"}')
    assert values == {"c0": sent, "c1": {"TEXT": "b"}}
    numbers = given is not None and "NUMBER" in given
    assert [problem.external_id for problem in found.problems()] == (["c0"] if numbers else [])


@pytest.mark.parametrize(
    "given", ['{"TEXT": "a"', "a: b", "[1]", "7", "true", '"text"', "{'a': 1}"]
)
def test_custom_fields_that_are_no_object_are_named_and_the_customer_goes(
    book: tuple[Path, Book], given: str
) -> None:
    found, values = filled(book, given, '{"TEXT": "b"}')
    assert values == {"c0": {}, "c1": {"TEXT": "b"}}
    assert [(p.severity, p.external_id) for p in found.problems()] == [("warning", "c0")]
    assert "no JSON object of names to values" in found.problems()[0].problem
