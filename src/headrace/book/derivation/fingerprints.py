"""Fingerprints: one number per record, computed from all of its columns that are sent."""

from __future__ import annotations

import re
from importlib import resources

from headrace.book.payloads.payloads import PAYLOAD_VERSION
from headrace.model.contact import Contact
from headrace.model.entity import ENTITIES
from headrace.model.fields import sent_fields
from headrace.model.record import Record

_PART = re.compile(r"^(?:with )?(\w+) as \(\n.*?\n\),?\n", re.DOTALL | re.MULTILINE)
"""One of the named parts that the query begins with."""

_TEMPLATE = (
    resources.files("headrace.book.derivation").joinpath("fingerprints.sql").read_text("utf-8")
)


def _columns(record: type[Record]) -> str:
    """Return the columns in a fixed order, so that moving a field does not change any
    fingerprint."""
    return ", ".join(sorted(field.column for field in sent_fields(record)))


READ = {
    "customer": ("sent_customers", "sent_contacts", "fields", "unsaid_parents"),
    "contact": ("sent_own_contacts",),
    "invoice": ("invoices",),
    "credit_note": ("credit_notes", "allocation_marks"),
    "payment": ("all_payments", "allocation_marks"),
    "refund": ("all_refunds", "allocation_marks"),
    "invoice_pdf": ("documents", "files"),
    "credit_note_pdf": ("documents", "files"),
}
"""The tables and views that the fingerprints of each entity depend on."""


def fingerprints_of(version: int) -> str:
    """Return the query for the fingerprints of this version of payloads."""
    return _TEMPLATE.format(
        version=version,
        contact=_columns(Contact),
        **{entity.name: _columns(entity.record) for entity in ENTITIES},
    )


FINGERPRINTS = fingerprints_of(PAYLOAD_VERSION)
"""A query of (entity, external_id, key, fingerprint) for `book.fingerprints`."""


def of_entity(query: str, entity: str) -> str:
    """Return the query without the parts that other entities need: it is prepared in each round,
    and for all entities that takes several times as long."""
    parts = {found[1]: found[0].removeprefix("with ") for found in _PART.finditer(query)}
    one = f"select '{entity}' as entity, * from {entity}"
    needed = [entity]
    if entity == "customer":
        needed = ["contact_marks", entity]
    elif entity.endswith("_pdf"):
        one, needed = "from pdf", ["pdf"]
    end = query[query.rindex("everything as (") :].split("\n)\n", 1)[1]
    return f"with {''.join(parts[name] for name in needed)}everything as (\n    {one}\n)\n{end}"
