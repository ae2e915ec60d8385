"""Writes the models that follow from the tables, their roles and the answers."""

from __future__ import annotations

from headrace.drafting.allocations import Allocations
from headrace.drafting.documents import credit_notes, documents, invoices
from headrace.drafting.ground import Ground
from headrace.drafting.money import adjustments, money
from headrace.drafting.parties import contacts, customers


def draft_models(ground: Ground) -> dict[str, str]:
    """Return the text of each model that something was found for.

    Where a required column has no counterpart, the model says so in a remark, and still runs.
    """
    made = {
        "customers": customers(ground),
        "contacts": contacts(ground),
        "invoices": invoices(ground),
        "credit_notes": credit_notes(ground),
        "payments": money(ground, "payments"),
        "refunds": money(ground, "refunds"),
        "allocations": Allocations(ground).text(),
        "adjustments": adjustments(ground),
        "documents": documents(ground),
    }
    return {name: sql for name, sql in made.items() if sql}
