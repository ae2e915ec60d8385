"""What people call records: names of the book, of the journal, of refusals."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.sync.journal import Acknowledged, Key, Reject
from headrace.sync.planning.names import (
    Name,
    Names,
    _documents,
    _name_of,
    acknowledged_names,
    customer_names,
    payload_name,
    refused_names,
)


def json(**fields: Any) -> bytes:
    return msgspec.json.encode(fields)


class Kept:
    """A journal that has these payloads, by key; None where they were not kept."""

    def __init__(self, records: dict[Key, tuple[str, bytes | None]]) -> None:
        self.records = records
        self.asked: list[list[Key]] = []

    def acknowledged(self, keys: list[Key]) -> dict[Key, Acknowledged]:
        self.asked.append(list(keys))
        return {
            key: Acknowledged(b"", self.records[key][1], self.records[key][0])
            for key in keys
            if key in self.records
        }


INVOICE = json(customId="N-1", customer={"externalId": "C"}, currency="EUR", grossAmount=7)
PAYMENT = json(refNumber="R-1", customer={"externalId": "C"}, amount=5)
JOURNAL: dict[Key, tuple[str, bytes | None]] = {
    ("customer", "C"): ("C", json(name="Ann")),
    ("customer", "D"): ("D", None),
    ("customer", "E"): ("E", json(externalId="E")),
    ("invoice", "I"): ("C", INVOICE),
    ("invoice", "J"): ("C", None),
    ("invoice", "K"): ("D", INVOICE),
    ("contact", "C/k"): ("C", json(email="a@x")),
    ("invoice_pdf", "I"): ("C", json(name="no")),
}


def kept() -> Any:
    return Kept(JOURNAL)


def test_a_payload_tells_its_number_and_money() -> None:
    assert payload_name("customer", json(name="Ann", currency="EUR")) == Name(customer_name="Ann")
    assert payload_name("customer", b"{}") == Name()
    assert payload_name("invoice", INVOICE, "Ann") == Name("C", "Ann", "N-1", "EUR", 7)
    assert payload_name("payment", PAYMENT) == Name("C", "", "R-1", "", None)
    assert payload_name("payment", b"{}") == Name()
    both = json(customId="N", refNumber="R")
    assert payload_name("invoice", both).number == "N"


def test_names_of_customers_are_those_that_were_kept() -> None:
    journal = kept()
    assert customer_names(journal, ["E", "C", "D", "X", "C"]) == {"C": "Ann", "E": ""}
    assert journal.asked == [[("customer", name) for name in ("C", "D", "E", "X")]]


def test_names_of_what_the_api_has_come_from_what_was_sent() -> None:
    keys: list[Key] = [*JOURNAL, ("invoice", "X")]
    assert acknowledged_names(kept(), keys) == {
        ("customer", "C"): Name("C", "Ann"),
        ("customer", "D"): Name("D"),
        ("customer", "E"): Name("E"),
        ("invoice", "I"): Name("C", "Ann", "N-1", "EUR", 7),
        ("invoice", "J"): Name("C", "Ann"),
        ("invoice", "K"): Name("D", "", "N-1", "EUR", 7),
        ("contact", "C/k"): Name("C", "Ann"),
        ("invoice_pdf", "I"): Name("C", "Ann"),
    }


def refused(entity: str, external_id: str, payload: bytes | None) -> Reject:
    return Reject(entity, external_id, 1, 400, "no", payload)


def test_names_of_what_was_refused_come_from_what_was_sent_or_else_from_what_it_has() -> None:
    journal = kept()
    found = refused_names(
        journal,
        [
            refused("invoice", "N", INVOICE),
            refused("customer", "F", json(name="Fay")),
            refused("invoice", "O", json(customer={"externalId": "F"}, customId="N-2")),
            refused("invoice", "J", None),
            refused("contact", "C/k", json(email="a@x")),
            refused("invoice", "P", json(customId="N-3")),
            refused("invoice", "Q", json(customer={"externalId": "X"})),
        ],
    )
    assert found == {
        ("invoice", "Q"): Name("X"),
        ("invoice", "N"): Name("C", "Ann", "N-1", "EUR", 7),
        ("customer", "F"): Name(customer_name="Fay"),
        ("invoice", "O"): Name("F", "Fay", "N-2"),
        ("invoice", "J"): Name("C", "Ann"),
        ("contact", "C/k"): Name("C", "Ann"),
        ("invoice", "P"): Name(number="N-3"),
    }
    assert refused_names(kept(), [refused("customer", "F", json(name="Fay"))]) == {
        ("customer", "F"): Name(customer_name="Fay")
    }
    assert refused_names(kept(), []) == {}


def test_a_pdf_goes_by_its_document_and_a_link_by_both_ends() -> None:
    assert _documents(("invoice_pdf", "I")) == [("invoice", "I")]
    assert _documents(("payment", "P → Q")) == [("payment", "P → Q")]
    assert _documents(("link", "payment P 1 → invoice I → 2")) == [
        ("payment", "P 1"),
        ("invoice", "I → 2"),
    ]
    payment, invoice = Name("C", "Ann", "R", "EUR", 5), Name("D", "Bob", "N", "EUR", 7)
    assert _name_of([payment]) == payment
    assert _name_of([payment, invoice]) == Name("C", "Ann", "N")


def test_no_names_are_looked_up_for_no_records() -> None:
    assert Names(None, None).of([]) == {}  # type: ignore[arg-type]
