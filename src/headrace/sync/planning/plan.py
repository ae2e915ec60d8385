"""The plan as a value: what would be sent, why, how long it takes, and whether it is safe."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from headrace.book.checks import Problem
from headrace.client.pace import WINDOW
from headrace.model.errors import UnsafePlan
from headrace.model.guards import GuardSettings
from headrace.sync.collection.claims import Claim
from headrace.sync.planning.guards import Guards
from headrace.sync.planning.shift import Shift

_ASSUMED_LATENCY = 0.3
"""Seconds an answer takes, until this organisation's own are known."""


class Count(Struct, frozen=True):
    """How many records of one entity are created, updated or deleted, or have a request more:
    `release` unlinks them first, since others need what they hold, `link` brings links that have to
    wait for others."""

    entity: str
    action: str
    count: int


class Money(Struct, frozen=True):
    """Their amounts in one currency, in its lowest division.

    Of what is created and deleted, the amounts themselves; of what is updated, by how much the open
    amounts of the records change. Deletions and updates count as far as the journal kept what was
    sent before.
    """

    entity: str
    action: str
    currency: str
    amount: int


class Change(Struct, frozen=True):
    """One operation in words; `fields` are (name, before, after) where the journal knows them."""

    entity: str
    external_id: str
    action: str
    fields: list[tuple[str, str, str]] = field(default_factory=list)
    customer: str = ""
    currency: str = ""
    """Of its amounts; empty without."""
    customer_name: str = ""
    number: str = ""
    """Of an invoice or credit note, the reference of a payment or refund."""
    amount: int | None = None
    """Its money; of an update, by how much its open amount changes. None where that is not
    known."""
    targets: dict[str, str] = {}
    """Numbers of what it settles or settled, by the start of their fields' names, such as
    `linkedInvoices[4711]`."""
    asked_at: str = ""
    """When it was asked for before, without an answer that was seen."""


class Withheld(Struct, frozen=True):
    """A record that stays behind, and why."""

    entity: str
    external_id: str
    reason: str
    customer: str = ""
    """External id of whose it is; a customer's own."""
    customer_name: str = ""
    number: str = ""
    currency: str = ""
    amount: int | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """A plan: what is known of it here, its operations under its id in the book's schema `plan`.

    The book holds the operations of one plan, the last; `Organisation.apply` refuses any other.
    """

    organisation: str
    id: str = ""
    """Stands for its operations in the book; no other plan of this process has it."""
    made_at: str
    counts: list[Count]
    money: list[Money]
    requests: int
    open_requests: int
    """How many of them bring the open items, with all that is linked to them."""
    longest_lane: int
    """Requests of the settled past of the customer with the most: one after the other."""
    longest_open_lane: int = 0
    """The same of what comes before."""
    rate: int
    in_flight: int
    latency: float = _ASSUMED_LATENCY
    changes: list[Change] = field(default_factory=list)
    """The first operations, in the order of their delivery."""
    problems: list[Problem] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    held: list[Withheld] = field(default_factory=list)
    """Refused earlier and unchanged since, with what depends on them."""
    drifted: list[Withheld] = field(default_factory=list)
    """Records that the API keeps differently; sent when their rows change or on repair."""
    departed: list[Withheld] = field(default_factory=list)
    """What left the source and is not deleted, because `on_delete` says so."""
    claims: list[Claim] = field(default_factory=list)
    """Of the records to create, those that are money which Upflow collected: they are linked to
    it."""
    rebound: str = ""
    """What is new about the way to the API: another key, or another address."""
    unlooked: str = ""
    """Why it is not known what Upflow collected since the last look; empty when it is, or when no
    payment or refund is new."""
    left_out: int = 0
    """Changes that the chosen scope leaves for another time."""
    new_fields: list[str] = field(default_factory=list)
    """Custom fields that are created first, a request each in addition to `requests`."""
    applied: dict[str, int] = field(default_factory=dict)
    """What the API has of each entity."""
    desired: dict[str, int] = field(default_factory=dict)
    """What it should have."""
    shift: Shift = Shift()
    """How far it moves what the API has."""
    guards: GuardSettings = GuardSettings()
    """How far it may."""
    whole: bool = True
    """Whether it has all that there is to send."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return self.requests == 0

    @property
    def staying(self) -> list[Withheld]:
        """What should travel and stays behind: withheld for an error, or held after a refusal."""
        return [*self.withheld, *self.held]

    @property
    def errors(self) -> int:
        """Problems that withhold something."""
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def seconds(self) -> float:
        """About how long all of it takes."""
        return self._duration(
            (self.open_requests, self.longest_open_lane),
            (self.requests - self.open_requests, self.longest_lane),
        )

    @property
    def open_seconds(self) -> float:
        """About when the open items are complete, counted from the start."""
        return self._duration((self.open_requests, self.longest_open_lane))

    def _duration(self, *stages: tuple[int, int]) -> float:
        return stages_duration(stages, self.rate, self.in_flight, self.latency)

    def count(self, entity: str, action: str) -> int:
        """How many records of the entity have this action."""
        return sum(c.count for c in self.counts if c.entity == entity and c.action == action)

    @property
    def releases(self) -> int:
        """Extra requests that first give back what other records need."""
        return sum(count.count for count in self.counts if count.action == "release")

    @property
    def late_links(self) -> int:
        """Extra requests that add links which have to wait for other records."""
        return sum(count.count for count in self.counts if count.action == "link")

    @property
    def objections(self) -> list[str]:
        """What about it a careful person would want to look at first, a sentence each."""
        guards = Guards(self.guards, self.applied, self.desired, self.count, self.shift)
        return guards.objections()

    def raise_if_unsafe(self) -> None:
        """UnsafePlan with the figures when a careful person would want to look first."""
        reasons = self.objections
        if reasons:
            raise UnsafePlan(
                f"Nothing was sent: {'; '.join(reasons)}. Look at `headrace plan`; if it is what "
                "you want, repeat with --force, or set other limits in [organisation."
                f"{self.organisation}.guards]."
            )


def least_seconds(requests: int, rate: int) -> float:
    """The shortest time that `requests` can take at `rate` a minute, answers at once."""
    return max(0, (requests - 1) // rate) * WINDOW


def duration(requests: int, rate: int, in_flight: int, latency: float, longest: int) -> float:
    """Seconds that `requests` take, `longest` of them of one customer."""
    return stages_duration([(requests, longest)], rate, in_flight, latency)


def stages_duration(
    stages: Iterable[tuple[int, int]], rate: int, in_flight: int, latency: float
) -> float:
    """Seconds that stages of (requests, the longest lane's) take, one stage after the other.

    Bursts of `rate` per window, `in_flight` at a time; the longest lane takes one place and goes on
    alone when the others are done. A window ends one latency after its last answer, for the server
    counts arrivals.
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
    """(requests, seconds each) with all places taken, and of the longest lane alone."""
    lane = min(longest, requests)
    others = requests - lane
    beside = min(lane, others // (in_flight - 1)) if in_flight > 1 else lane
    return (others + beside, latency / in_flight), (lane - beside, latency)
