"""Guards: how much a plan may change before a person has to confirm it."""

from __future__ import annotations

from msgspec import Struct


class GuardSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Maximum shares of what the API holds, 0.1 for a tenth; a plan that exceeds one is refused.

    An ordinary month end stays below the defaults. A few records always pass.
    """

    deletions: float = 0.10
    """Share of an entity's records, contacts included, that are deleted."""
    changes: float = 0.30
    """Share of an entity's records that are updated. Payments and refunds, which change whenever
    they are allocated, are covered by `unlinked` instead."""
    unlinked: float = 0.05
    """Share of the settled invoices that would be settled by less than now: reminders would go
    out for invoices that are paid."""
    withheld: float = 0.20
    """Share of an entity's records at the API, or of all links, that are withheld because of an
    error."""
    amounts: float = 0.10
    """Share of an entity's documents whose amount changes."""
    currencies: float = 0.05
    """Share of an entity's documents whose currency changes."""
    money: float = 0.30
    """Share of the open amount in a currency by which changed and deleted documents alter it."""
    creations: float = 1.00
    """Number of new records as a share of an entity's existing ones, once the first import is
    complete."""
    rows: float = 0.10
    """Share of the rows of a table of `kind = "files"` that are gone since the last accepted plan:
    an export may be cut off."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more: 0.1 stands for a tenth")
