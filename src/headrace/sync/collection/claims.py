"""Claims: new payments and refunds of the source that Upflow has collected already.

Two records are the same money in one of two cases. Either the booked one's reference contains the
collected one's id or reference. Or the customer (or its family), the currency and the amount are
equal, the days are close, and there is only one such record on each side.

Everything else that may be the same money is held until a person decides. The two mistakes are not
equally bad: a payment that waits is sent a day later, but a collected payment that is sent as a new
one counts twice, and its customer no longer gets reminders for what is still due.

Example: two payments of EUR 20 by customer C were collected on the same day, and the source has one
new payment of EUR 20 by C. Nothing tells which of the two it is, so it is held. If each of the two
settles another invoice, and the booked one settles one of these invoices, the pair is clear.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from headrace.model.money import format_money
from headrace.sync.collection.collected import Collected
from headrace.sync.collection.similarity import Booked, Names, components, lag, links, sum_of
from headrace.sync.journal import Decision, Key

_UNKNOWN = {"", "UNKNOWN"}


class Claim(Struct, frozen=True, kw_only=True):
    """A record of the source, and the collected record that its import claims."""

    entity: str
    external_id: str
    id: str
    by: str
    """What identified it: its reference, or the equal values."""
    others: list[str] = field(default_factory=list)
    """Ids of further collected records that were booked in the same record. They are deleted."""
    keeps_links: bool = False
    """Whether it keeps its links of the portal, because the source has none."""
    linked: list[Key] = field(default_factory=list)
    """Documents that it settles or refunds in Upflow, if they have external ids."""
    customer: str = ""
    """External id of its customer. This and the following fields are set once it is planned."""
    customer_name: str = ""
    number: str = ""
    currency: str = ""
    amount: int | None = None

    @property
    def key(self) -> Key:
        """Key of the source's record."""
        return self.entity, self.external_id


class Awaiting(Struct, frozen=True, kw_only=True):
    """A record of the source that is not sent until a person decides what it is."""

    entity: str
    external_id: str
    reason: str
    ids: list[str]
    """The API's ids of the collected records that it may be."""


class Judged(Struct, frozen=True):
    """The verdicts about new records; those in neither list are new money."""

    claims: list[Claim]
    awaiting: list[Awaiting]


class Judge:
    """Judges the new records of one entity."""

    def __init__(
        self,
        collected: Iterable[Collected],
        families: dict[str, str],
        decisions: Sequence[Decision],
        days: int,
        *,
        claiming: bool = True,
        given_back: frozenset[str] = frozenset(),
    ) -> None:
        """Judge against the `collected` records.

        `families` has the root of each customer's family, `given_back` the ids of payments that
        were refunded by refunds which are not booked yet. `days` is the maximum time between
        collection and booking. Unless `claiming`, every match is held.
        """
        self._days = days
        self._claiming = claiming
        self._given_back = given_back
        self._families = families
        self._no = {(d.entity, d.external_id, d.id) for d in decisions if d.verdict == "rejected"}
        self._accepted: dict[Key, list[str]] = defaultdict(list)
        for decision in decisions:
            if decision.verdict == "accepted":
                self._accepted[decision.entity, decision.external_id].append(decision.id)
        self._pool = {one.id: one for one in collected if (one.entity, "", one.id) not in self._no}
        self._names = Names(self._pool.values())
        self._members: dict[str, list[Collected]] = defaultdict(list)
        """Collected records by family."""
        for one in self._pool.values():
            self._members[self._family(one)].append(one)
        self._claims: list[Claim] = []
        self._awaiting: dict[Key, Awaiting] = {}
        self._contested: dict[str, Key] = {}
        """Collected records that a held record may be, by id, with that record's key."""

    def judge(self, booked: Sequence[Booked]) -> Judged:
        """Judge all new records together; call it once.

        Each step takes records out of `left`: decisions of a person first, then references, then
        equal amounts, then parts and sums.
        """
        left = {one.key: one for one in booked}
        self._accept(left)
        self._by_reference(left)
        self._by_amount(left)
        for one in left.values():
            self._hold_what_may_be(one)
        return Judged(self._claims, list(self._awaiting.values()))

    # decisions of a person -------------------------------------------------------------------

    def _accept(self, left: dict[Key, Booked]) -> None:
        for key, ids in self._accepted.items():
            there = [id for id in ids if id in self._pool]
            if key in left and there:
                self._claim(left.pop(key), self._pool[there[0]], "a person's decision", there[1:])

    # by reference ----------------------------------------------------------------------------

    def _by_reference(self, left: dict[Key, Booked]) -> None:
        named = {one.key: self._named(one) for one in left.values() if one.reference}
        namers: dict[str, list[Key]] = defaultdict(list)
        for key, those in named.items():
            for one in those:
                namers[one.id].append(key)
        for key, those in named.items():
            if not those:
                continue
            booked = left.pop(key)
            problem = self._unlike(booked, those, namers)
            if problem is None:
                self._settle(booked, those[0], "reference")
            else:
                self._hold(booked, those, problem)

    def _named(self, booked: Booked) -> list[Collected]:
        ids, references = self._names.in_text(booked.reference)
        own = [id for id in references - ids if self._is_near(booked, id)]
        found = [self._pool[id] for id in sorted({*ids, *own}) if id in self._pool]
        return [one for one in found if self._possible(booked, one)]

    def _is_near(self, booked: Booked, id: str) -> bool:
        return id in self._pool and self._related(booked, self._pool[id])

    def _unlike(
        self, booked: Booked, those: Sequence[Collected], namers: dict[str, list[Key]]
    ) -> str | None:
        """Return why the reference does not identify a record; None if it does.

        The reason is the start of a sentence that continues with an amount, see `_hold`.
        """
        (one, *more) = those
        if more:
            return "names several, such as"
        if len(namers[one.id]) > 1:
            return "names, as other records do,"
        if (booked.currency, booked.amount) != (one.currency, one.amount):
            return "names, with another amount,"
        if not self._related(booked, one):
            return "names, for another customer,"
        return self._doubt(one)

    # by customer, currency and amount --------------------------------------------------------

    def _by_amount(self, left: dict[Key, Booked]) -> None:
        for group, those in components(self._equals(left)):
            for booked, one in self._by_links(group, those):
                self._settle(left.pop(booked.key), one, "customer, amount and what it settles")
                group.remove(booked)
                those.remove(one)
            if not group or not those:
                continue
            if len(group) == len(those) == 1 and (problem := self._unsure(group[0], those[0])):
                self._hold(left.pop(group[0].key), those, problem)
            elif len(group) == len(those) == 1:
                self._settle(left.pop(group[0].key), those[0], "customer, currency and amount")
            else:
                for booked in group:
                    self._hold(left.pop(booked.key), those, "may be")

    def _equals(self, left: dict[Key, Booked]) -> list[tuple[Booked, Collected]]:
        """Return pairs of equal family, currency and amount.

        The booking may be at most `days` before the collection; a late booking is judged later.
        """
        by_money: dict[tuple[str, str, int], list[Collected]] = defaultdict(list)
        for one in self._pool.values():
            by_money[self._family(one), one.currency, one.amount].append(one)
        return [
            (booked, one)
            for booked in left.values()
            for one in by_money.get((booked.family, booked.currency, booked.amount), ())
            if self._possible(booked, one) and lag(booked, one) >= -self._days
        ]

    def _by_links(
        self, group: Sequence[Booked], those: Sequence[Collected]
    ) -> list[tuple[Booked, Collected]]:
        """Return the clear pairs among several equal records: only these two settle the same."""
        if len(group) == len(those) == 1:
            return []
        pairs = []
        for booked in group:
            ones = [one for one in those if booked.links and booked.links == links(one)]
            rivals = [other for other in group if other.links & booked.links]
            touched = [one for one in those if links(one) & booked.links]
            if len(ones) == len(rivals) == len(touched) == 1 and not self._unsure(booked, ones[0]):
                pairs.append((booked, ones[0]))
        return pairs

    def _unsure(self, booked: Booked, one: Collected) -> str | None:
        """Return why a single pair may still be two payments; None if it is clear."""
        if abs(lag(booked, one)) > self._days:
            return "comes late, and may be"
        if booked.origin == "adjustment":
            return "is a journal entry, and may be"
        if one.id in self._contested:
            return f"may be, as {'/'.join(self._contested[one.id])},"
        if (
            booked.instrument != one.instrument
            and not {booked.instrument, one.instrument} & _UNKNOWN
        ):
            return f"is {booked.instrument}, and may be, as {one.instrument},"
        if booked.links and links(one) and not booked.links & links(one):
            return "settles another document, and may be"
        return self._doubt(one)

    def _doubt(self, one: Collected) -> str | None:
        return "may be, although it was refunded," if one.id in self._given_back else None

    # other amounts ---------------------------------------------------------------------------

    def _hold_what_may_be(self, booked: Booked) -> None:
        """Hold a record that may be part or sum of collected ones, or equal in another currency."""
        near = [
            one
            for one in self._members[booked.family]
            if one.id in self._pool
            and self._possible(booked, one)
            and abs(lag(booked, one)) <= self._days
        ]
        other = [
            one for one in near if one.currency != booked.currency and one.amount == booked.amount
        ]
        same = [one for one in near if one.currency == booked.currency]
        if (parts := sum_of(same, booked.amount)) is not None:
            self._hold(booked, parts, "may be the sum of")
            return
        for one in same:
            shared = booked.links & links(one)
            apart = booked.links and links(one) and not shared
            if booked.amount < one.amount and not apart:
                self._hold(booked, [one], "may be a part of")
                return
            if booked.amount > one.amount and shared:
                self._hold(booked, [one], "may contain")
                return
        if other:
            self._hold(booked, other, "may be, in another currency,")

    # deciding --------------------------------------------------------------------------------

    def _settle(self, booked: Booked, one: Collected, by: str) -> None:
        if self._claiming:
            self._claim(booked, one, by)
        else:
            self._hold(booked, [one], "looks like")

    def _claim(self, booked: Booked, one: Collected, by: str, others: Sequence[str] = ()) -> None:
        for id in (one.id, *others):
            self._pool.pop(id, None)
        linked = sum(link.amount for link in one.links)
        keeps = (
            bool(linked)
            and not booked.links
            and not others
            and booked.currency == one.currency
            and booked.customer == one.customer
            and booked.amount >= linked
        )
        self._claims.append(
            Claim(
                entity=booked.entity,
                external_id=booked.external_id,
                id=one.id,
                by=by,
                others=list(others),
                keeps_links=keeps,
                linked=sorted(links(one)),
            )
        )

    def _hold(self, booked: Booked, those: Sequence[Collected], how: str) -> None:
        first = min(those, key=lambda one: (one.day, one.id))
        for one in those:
            self._contested.setdefault(one.id, booked.key)
        more = f" and {len(those) - 1} more" if len(those) > 1 else ""
        reason = (
            f"{how} {format_money(first.amount, first.currency)} that Upflow collected on "
            f"{first.day} ({first.id}){more}: `headrace collected accept` or `reject` it"
        )
        self._awaiting[booked.key] = Awaiting(
            entity=booked.entity,
            external_id=booked.external_id,
            reason=reason,
            ids=[one.id for one in those],
        )

    def _possible(self, booked: Booked, one: Collected) -> bool:
        return (
            not {
                (booked.entity, booked.external_id, one.id),
                (booked.entity, booked.external_id, ""),
            }
            & self._no
        )

    def _family(self, one: Collected) -> str:
        return self._families.get(one.customer, one.customer)

    def _related(self, booked: Booked, one: Collected) -> bool:
        return booked.family == self._family(one)
