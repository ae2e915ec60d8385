"""A set of links with its own identity (`POST /reconcile`)."""

from __future__ import annotations

from headrace.model.record import UNSET, LinkAmount, Record, Text, UnsetType


class ReconciliationEntry(Record):
    """A document's share of a reconciliation."""

    amount_linked: LinkAmount
    external_id: str | None | UnsetType = UNSET
    id: str | None | UnsetType = UNSET
    custom_id: str | None | UnsetType = UNSET
    """Accepted, but ignored."""


class Reconciliation(Record):
    """Posting the same `externalId` again replaces it; four empty lists undo it."""

    external_id: Text
    invoices: list[ReconciliationEntry] = []
    payments: list[ReconciliationEntry] = []
    credit_notes: list[ReconciliationEntry] = []
    refunds: list[ReconciliationEntry] = []
