"""Removes a customer's personal data from the journal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, field

from headrace.book.payloads.contact_keys import contact_key
from headrace.sync.journal.records import Key
from headrace.sync.journal.section import Section

_TELLING = 4
"""Minimum length of a value of the customer to search for in messages."""


class Forgotten(Struct, frozen=True, kw_only=True):
    """Numbers of entries found. `acknowledged` (`told` in JSON) are records that the API has."""

    payloads: int = 0
    rejects: int = 0
    drifts: int = 0
    collected: int = 0
    run_records: int = 0
    acknowledged: int = field(default=0, name="told")
    rewritten: bool = True
    """Whether the files were rewritten; impossible while another program reads them."""


class _Traces(Struct, frozen=True):
    """The entries about a customer: keys of records, and numbers of rows."""

    acknowledged: set[Key]
    payloads: list[Key]
    rejects: list[Key]
    drifts: list[Key]
    collected: list[Key]
    refusals: list[tuple[int]]
    outcomes: list[tuple[int]]
    names: int
    """Number of run entries about the customer itself, if the API no longer has it."""

    def counted(self) -> Forgotten:
        """Return the number of entries of each kind."""
        return Forgotten(
            payloads=len(self.payloads),
            rejects=len(self.rejects),
            drifts=len(self.drifts),
            collected=len(self.collected),
            run_records=len(self.refusals) + len(self.outcomes) + self.names,
            acknowledged=len(self.acknowledged),
        )


class ForgettingSection(Section):
    """Finds and removes all data of one customer."""

    def forget_customer(self, customer: str, dry_run: bool = False) -> Forgotten:
        """Remove all personal data of a customer, and rewrite the journal's files.

        `dry_run` only counts. Ids and hashes of records that the API still has are kept, because
        their deletion could not be planned without them. Once the API has none, the customer's id
        is removed as well.
        """
        found = self._traces(customer)
        if dry_run:
            return found.counted()
        run, run_all = self._db.run, self._db.run_all
        with self._db.transaction():
            run_all("drop_payload", found.payloads)
            run("hush_asked", (customer, customer))
            run_all("drop_failing", {*found.acknowledged, *found.rejects, ("customer", customer)})
            run_all("drop_reject", found.rejects)
            run_all("drop_drift", found.drifts)
            run_all("drop_collected", found.collected)
            # Forces the next look to read the lists in full, so that the journal is complete again.
            run_all("drop_collected_list", {(entity,) for entity, _ in found.collected})
            run_all("hush_refusal", found.refusals)
            run_all("hush_outcome", found.outcomes)
            run("clear_progress")
            run("hush_rounds")
            if not found.acknowledged:
                run("unname_sent_customer", _named(customer))
                run("drop_forgotten_customer", _named(customer))
        self._keys_in_trouble = None
        return msgspec.structs.replace(found.counted(), rewritten=self._db.rewrite())

    def _traces(self, customer: str) -> _Traces:
        acknowledged = {
            (entity, x) for entity, x in self._rows("keys_of_customer", customer, customer)
        }
        payloads = self._rows("payloads_of_customer", customer, customer)
        terms = _terms(customer, payloads)
        rejects = [
            (entity, x)
            for entity, x, _, _, message, payload, *_ in self._rows("rejects")
            if (entity, x) in acknowledged
            or _mentions(payload, {customer})
            or _says(message, terms)
        ]
        known = {*acknowledged, *rejects}
        return _Traces(
            acknowledged,
            [(entity, x) for entity, x, _ in payloads],
            rejects,
            [
                (entity, x)
                for entity, x, fields in self._rows("all_drifts")
                if (entity, x) in acknowledged or _mentions(fields, terms)
            ],
            [
                (e, id)
                for e, id, content in self._rows("all_collected")
                if _mentions(content, terms)
            ],
            [
                (number,)
                for number, entity, x, refused in self._rows("all_refusals")
                if (entity, x) in known or _says(refused, terms)
            ],
            [(number,) for number, said in self._rows("all_outcomes") if _says(said, terms)],
            0 if acknowledged else int(self._rows("count_sent_customer", *_named(customer))[0][0]),
        )

    def _rows(self, statement: str, *values: str) -> list[Any]:
        rows: list[Any] = self._db.run(statement, values).fetchall()
        return rows


def _named(customer: str) -> tuple[str, str, str]:
    """Return the customer's id and, twice, the prefix of its contacts' keys."""
    return customer, contact_key(customer, ""), contact_key(customer, "")


def _terms(customer: str, payloads: list[tuple[str, str, bytes]]) -> set[str]:
    """Return the id and every text that identifies the customer or its contacts."""
    found = {customer}
    for entity, _, payload in payloads:
        if entity in ("customer", "contact"):
            found |= {text for text in _texts(_decoded(payload)) if len(text) >= _TELLING}
    return found


def _says(sentence: str | None, terms: set[str]) -> bool:
    return bool(sentence) and any(
        term in (sentence or "") for term in terms if len(term) >= _TELLING
    )


def _mentions(content: bytes | None, terms: set[str]) -> bool:
    """Whether a value in the JSON is one of the terms."""
    return content is not None and any(text in terms for text in _texts(_decoded(content)))


def _decoded(content: Any) -> Any:
    return msgspec.json.decode(bytes(content)) if content else None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
