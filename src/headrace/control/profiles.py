"""Made-up data for sandboxes: a profile of a company, in a size, by a number.

The generator is not part of the control plane; who assembles a hub hands it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Protocol

from msgspec import Meta

from headrace.control.seed_line import SeedLine
from headrace.model.record import Record

ENTITIES = 200
ENTITIES_MAX = 10_000
"""A seed is one transaction, during which other writes wait."""
NUMBER_MAX = 2**31 - 1


class ProfileChoice(Record, forbid_unknown_fields=True):
    """Which data to make up."""

    profile: str
    entities: Annotated[int, Meta(ge=1, le=ENTITIES_MAX)] = ENTITIES
    """About how many customers, documents, payments and refunds together."""
    number: Annotated[int, Meta(ge=0, le=NUMBER_MAX)] = 1
    """The same number makes the same data, at the same distance from today."""


class Profiles(Protocol):
    """Makes up data by profile."""

    @property
    def names(self) -> Sequence[str]:
        """The profiles that there are."""

    def lines(self, profile: str, entities: int, number: int, today: date) -> list[SeedLine]:
        """Return at least `entities` API calls that import a company's receivables as of `today`;
        `profile` is one of `names`."""


class NoProfiles:
    """Stands in where no generator was handed in."""

    names: Sequence[str] = ()

    def lines(self, profile: str, entities: int, number: int, today: date) -> list[SeedLine]:
        return []
