"""All cases, in the order in which the entities build on each other."""

from __future__ import annotations

from headrace.testkit.conformance.cases import (
    collection,
    contacts,
    credit_notes,
    custom_fields,
    customers,
    errors,
    invoices,
    lists,
    payments,
    pdfs,
    portal,
    reconciliations,
    refunds,
    traps,
    unserved,
)
from headrace.testkit.conformance.evidence import Case

_TOPICS = (
    customers,
    contacts,
    invoices,
    credit_notes,
    payments,
    refunds,
    reconciliations,
    pdfs,
    custom_fields,
    portal,
    collection,
    lists,
    errors,
    traps,
    unserved,
)

CASES: tuple[Case, ...] = tuple(
    case for topic in _TOPICS for case in vars(topic).values() if isinstance(case, Case)
)
