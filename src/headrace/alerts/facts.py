"""What is known of one organisation, as far as it decides what is announced."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from msgspec import Struct

from headrace.model.project import OrganisationSettings
from headrace.sync.journal import Journal, LoggedRound, Proof
from headrace.sync.planning.plan import Plan

_ROUNDS = 5
_MARKS = 5_000
"""Records that are remembered to recognise new ones; there is no message about the others."""


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of one organisation. Times are in seconds since 1970."""

    organisation: str
    settings: OrganisationSettings
    rounds: tuple[LoggedRound, ...] = ()
    """The last rounds, the newest first."""
    rejects: frozenset[str] = frozenset()
    """Marks of the rejected records, without the ignored ones."""
    withheld: frozenset[str] | None = None
    """Marks of the withheld records; None if unknown."""
    proof: Proof | None = None
    imported: bool = False
    """Whether the first import is complete."""
    live: bool = False
    """Whether they come from the process that syncs, which alone sees whether a round moves."""
    watched_since: float = 0.0
    """Time since when that process should sync it; 0 if unknown."""
    woke_at: float = 0.0
    """Time at which that process went on after it was suspended, as with a laptop; 0 if never."""
    moved_at: float | None = None
    """Last progress of a round that goes on; None if there is none."""
    behind_since: float | None = None
    """Start of a round that goes on and has something to send."""
    dead_since: float | None = None
    """Last sign of life of the process that should sync it; None if it is alive or unknown."""
    unusable_since: float | None = None
    """Time since when the journal can't be used; None if it can."""
    damaged: bool = False
    """Whether it is damaged, rather than unreachable."""

    @property
    def round(self) -> LoggedRound | None:
        """The last round; None before the first."""
        return self.rounds[0] if self.rounds else None

    @property
    def waiting_since(self) -> float | None:
        """Time at which the oldest change that is not acknowledged was seen, at the latest; None
        if there is none."""
        logged = self.round.behind_since if self.round is not None else None
        return logged if logged is not None else self.behind_since


def mark_of(entity: str, external_id: str) -> str:
    """Return a short hash of a record's key, by which it is recognised and not named."""
    return hashlib.blake2b(f"{entity}\0{external_id}".encode(), digest_size=6).hexdigest()


def marks(keys: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the marks of records, of the first thousands of them."""
    return frozenset(sorted(mark_of(*key) for key in keys)[:_MARKS])


def withheld_marks(plan: Plan) -> frozenset[str]:
    """Return the marks of the records that a plan withholds."""
    return marks((one.entity, one.external_id) for one in plan.withheld)


def facts_of(name: str, settings: OrganisationSettings, journal: Journal) -> Facts:
    """Read the facts from a journal."""
    return Facts(
        organisation=name,
        settings=settings,
        rounds=tuple(journal.logged_rounds(_ROUNDS)),
        rejects=marks(one.key for one in journal.rejects() if not one.ignored),
        proof=journal.proof(),
        imported=journal.is_imported(),
    )
