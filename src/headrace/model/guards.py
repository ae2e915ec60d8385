"""Guards: how much a plan may change before a person has to look at it first."""

from __future__ import annotations

from msgspec import Struct


class GuardSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of what the API has, 0.1 for a tenth; a plan beyond one of them is refused.

    Ordinary month ends stay below the defaults. A few records are always let pass.
    """

    deletions: float = 0.10
    """Of an entity's records, contacts included, that are deleted."""
    changes: float = 0.30
    """Of an entity's records that are updated; payments and refunds, which are linked as they are
    booked, are left to `unlinked`."""
    unlinked: float = 0.05
    """Of the settled invoices, those of which less would be settled than now: reminders go out for
    what was paid."""
    withheld: float = 0.20
    """Of an entity's records at the API, or of all links, those that stay behind by an error."""
    amounts: float = 0.10
    """Of an entity's documents whose amount changes."""
    currencies: float = 0.05
    """Of an entity's documents whose currency changes."""
    money: float = 0.30
    """Of what is open in a currency, by which changed and deleted documents move it."""
    creations: float = 1.00
    """Of an entity's records, so many new ones, once the first import is complete."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more: 0.1 stands for a tenth")
