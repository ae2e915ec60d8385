"""Settlements without cash, and how their payments are marked in Upflow."""

from __future__ import annotations

SETTLEMENT_KINDS = (
    "write_off",
    "small_difference",
    "exchange_difference",
    "bank_fee",
    "withholding_tax",
)
"""Kinds of rows in `settlements`; a payment's `refNumber` starts with one of them and a colon."""

SYNTHETIC_KINDS = ("fix", "customerfix", *SETTLEMENT_KINDS)
"""All marks of payments that are not money (docs/api-evidence.md, Fix payments)."""


def kind_of(reference: str | None) -> str:
    """Return the mark that a payment's `refNumber` starts with; empty for a real payment."""
    mark, colon, _ = (reference or "").partition(":")
    return mark if colon and mark in SYNTHETIC_KINDS else ""
