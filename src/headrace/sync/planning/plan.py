"""The plan as a value: its operations in numbers, what stays behind, its duration, its guards."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from headrace.book.checks.checks import Problem
from headrace.client.pace import WINDOW
from headrace.model.errors import UnsafePlan
from headrace.model.guards import GuardSettings
from headrace.sync.collection.claims import Claim
from headrace.sync.planning.guards import Guards
from headrace.sync.planning.shift import Shift

_ASSUMED_LATENCY = 0.3
"""Seconds until the API answers, as long as no latency of the organisation is known."""


class Count(Struct, frozen=True):
    """Number of operations of one entity and action.

    The actions are `create`, `update` and `delete`, and two for extra requests: `release` gives
    back links that other records need first, `link` sends late links.
    """

    entity: str
    action: str
    count: int


class Money(Struct, frozen=True):
    """Sum of the operations of one entity and action in one currency, in its lowest division.

    Created and deleted records count with their amounts, updated records with the change of their
    open amounts. Deletions and updates count only where the journal kept the earlier payload.
    """

    entity: str
    action: str
    currency: str
    amount: int


class Change(Struct, frozen=True):
    """One operation for people; `fields` are (name, before, after), as far as they are known."""

    entity: str
    external_id: str
    action: str
    fields: list[tuple[str, str, str]] = field(default_factory=list)
    customer: str = ""
    currency: str = ""
    """Currency of its amounts; empty if it has none."""
    customer_name: str = ""
    number: str = ""
    """Number of an invoice or credit note; reference of a payment or refund."""
    amount: int | None = None
    """Its amount; for an update, the change of its open amount. None where that is unknown."""
    targets: dict[str, str] = {}
    """Numbers of the documents that it settles or settled, by the start of the link fields' names,
    such as `linkedInvoices[4711]`."""
    asked_at: str = ""
    """Time of an earlier request for the record whose answer was not seen; empty if none."""


class Withheld(Struct, frozen=True):
    """A record that is not sent, with the reason."""

    entity: str
    external_id: str
    reason: str
    customer: str = ""
    """External id of the customer that owns the record; a customer's own id."""
    customer_name: str = ""
    number: str = ""
    currency: str = ""
    amount: int | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """A plan. Its operations are in the book's schema `plan`, under the plan's id.

    The book holds the operations of the last plan only; `Organisation.apply` refuses any other.
    """

    organisation: str
    id: str = ""
    """Identifies its operations in the book; unique within the process."""
    made_at: str
    counts: list[Count]
    money: list[Money]
    requests: int
    open_requests: int
    """Requests before the settled past: changes, and open items with everything linked to them."""
    longest_lane: int
    """Largest number of requests of one customer in the settled past, sent one after the other."""
    longest_open_lane: int = 0
    """Largest number of requests of one customer before the settled past."""
    rate: int
    in_flight: int
    latency: float = _ASSUMED_LATENCY
    changes: list[Change] = field(default_factory=list)
    """The first operations, in the order of delivery."""
    problems: list[Problem] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    held: list[Withheld] = field(default_factory=list)
    """Records held back: rejected earlier and unchanged since, or dependent on such a record."""
    drifted: list[Withheld] = field(default_factory=list)
    """Records that the API stores differently; sent when their rows change or on repair."""
    departed: list[Withheld] = field(default_factory=list)
    """Records that left the source and are not deleted because of `on_delete`."""
    claims: list[Claim] = field(default_factory=list)
    """Records to create that claim a payment or refund which Upflow collected."""
    rebound: str = ""
    """A sentence about a changed key or address of the API; empty if both are as before."""
    unread: str = ""
    """Why the collected records could not be read; empty when they were, or when no new payment or
    refund requires them."""
    left_out: int = 0
    """Number of changes outside the scope."""
    shrunk: list[str] = field(default_factory=list)
    """Clauses about the source's files that have fewer rows than when a plan was last accepted."""
    new_fields: list[str] = field(default_factory=list)
    """Custom fields to create first, with one request each in addition to `requests`."""
    applied: dict[str, int] = field(default_factory=dict)
    """Number of records per entity that the API has."""
    desired: dict[str, int] = field(default_factory=dict)
    """Number of records per entity that the API should have."""
    shift: Shift = Shift()
    """How much the plan changes of what the API has."""
    guards: GuardSettings = GuardSettings()
    """The limits for `shift`."""
    whole: bool = True
    """Whether the scope excludes nothing."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return self.requests == 0

    @property
    def staying(self) -> list[Withheld]:
        """Records that should be sent and are not: the withheld and the held ones."""
        return [*self.withheld, *self.held]

    @property
    def errors(self) -> int:
        """Number of problems that withhold something."""
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def seconds(self) -> float:
        """Estimated duration of the delivery in seconds."""
        return self._duration(
            (self.open_requests, self.longest_open_lane),
            (self.requests - self.open_requests, self.longest_lane),
        )

    @property
    def open_seconds(self) -> float:
        """Estimated seconds from the start until the open items are complete."""
        return self._duration((self.open_requests, self.longest_open_lane))

    def _duration(self, *stages: tuple[int, int]) -> float:
        return stages_duration(stages, self.rate, self.in_flight, self.latency)

    def count(self, entity: str, action: str) -> int:
        """Return the number of operations of the entity with this action."""
        return sum(c.count for c in self.counts if c.entity == entity and c.action == action)

    @property
    def releases(self) -> int:
        """Number of extra requests that first give back links for other records."""
        return sum(count.count for count in self.counts if count.action == "release")

    @property
    def late_links(self) -> int:
        """Number of extra requests that send late links."""
        return sum(count.count for count in self.counts if count.action == "link")

    @property
    def objections(self) -> list[str]:
        """Clauses with figures for the guards' limits that the plan exceeds."""
        guards = Guards(self.guards, self.applied, self.desired, self.count, self.shift)
        return [*guards.objections(), *self.shrunk]

    def raise_if_unsafe(self) -> None:
        """Raise UnsafePlan with the figures if the plan exceeds a limit of the guards."""
        reasons = self.objections
        if reasons:
            raise UnsafePlan(
                f"Nothing was sent: {'; '.join(reasons)}. Look at `headrace plan`. If it is what "
                "you want, repeat with --force, or set other limits in [organisation."
                f"{self.organisation}.guards]."
            )


def least_seconds(requests: int, rate: int) -> float:
    """Return the minimum seconds for `requests` at `rate` per minute, with immediate answers."""
    return max(0, (requests - 1) // rate) * WINDOW


def duration(requests: int, rate: int, in_flight: int, latency: float, longest: int) -> float:
    """Return the estimated seconds for `requests`, of which `longest` belong to one customer."""
    return stages_duration([(requests, longest)], rate, in_flight, latency)


def stages_duration(
    stages: Iterable[tuple[int, int]], rate: int, in_flight: int, latency: float
) -> float:
    """Return the estimated seconds for stages of (requests, requests of the longest lane).

    Stages run one after the other. The model: at most `rate` requests per window, `in_flight` of
    them at a time. The longest lane occupies one slot, because its requests go one after the other,
    and continues alone when the other lanes are done. A window ends one latency after its last
    answer, because the server counts arrivals.
    """
    ended = busy = 0.0
    free = rate
    for requests, longest in stages:
        for left, each in _shares(requests, longest, in_flight, latency):
            while left:
                if not free:
                    ended, busy, free = ended + max(WINDOW + latency, busy), 0.0, rate
                now = min(left, free)
                left, free, busy = left - now, free - now, busy + now * each
    return ended + busy


def _shares(
    requests: int, longest: int, in_flight: int, latency: float
) -> tuple[tuple[int, float], tuple[int, float]]:
    """Return (requests, seconds each) with all slots in use, then with the longest lane alone."""
    lane = min(longest, requests)
    others = requests - lane
    beside = min(lane, others // (in_flight - 1)) if in_flight > 1 else lane
    return (others + beside, latency / in_flight), (lane - beside, latency)
