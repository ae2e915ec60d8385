"""A made-up world: customers pay in the portal, and a bookkeeper books it, more or less well.

It knows which money is which, so that every claim, and every euro, can be checked against it.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from random import Random

from desk import HubDesk
from msgspec import Struct, field
from shop import Shop

from headrace.sync.planning.plan import Plan
from headrace.sync.remote.proof import Reconciled

_START = date(2026, 5, 4)
_CUSTOMERS = {"T": None, "A": "T", "B": "T", "C": None, "D": None}
"""Three of one family, and two for themselves."""
_REASONS = ("may be", "may contain", "names", "waits for a decision")


class Money(Struct):
    """What a customer paid in the portal."""

    id: str
    customer: str
    amount: int
    invoice: str | None
    reference: str
    day: date
    instrument: str
    booked: bool = False
    failed: bool = False


class Booking(Struct):
    """What the bookkeeper writes in some round; `truth` are the API's ids of the same money."""

    round: int
    entity: str
    name: str
    customer: str
    amount: int
    truth: tuple[str, ...]
    currency: str = "EUR"
    settles: dict[str, int] = field(default_factory=dict)
    reference: str | None = None
    instrument: str | None = None
    gives_back: str | None = None
    shift: int = 0


class World:
    """One seed. `live` plays it round by round; whatever must hold is asserted on the way."""

    def __init__(self, seed: int, shop: Shop, desk: HubDesk, rounds: int = 4) -> None:
        self.random = Random(seed)
        self.shop = shop
        self.desk = desk
        self.rounds = rounds
        self.round = 0
        self.money: dict[str, Money] = {}
        self.bookings: list[Booking] = []
        self.truth: dict[tuple[str, str], tuple[str, ...]] = {}
        self.customer_of: dict[str, str] = {}
        self.claims = self.holds = 0
        self.amounts: set[int] = set()
        self.open: dict[str, int] = {}
        self.owner: dict[str, str] = {}
        for name, parent in _CUSTOMERS.items():
            shop.customer(name, parent)
        for number in range(12):
            name, owner = f"I{number}", list(_CUSTOMERS)[number % len(_CUSTOMERS)]
            amount = self._amount(200_000, 900_000)
            shop.invoice(name, owner, amount, day=_START.isoformat())
            self.open[name], self.owner[name] = amount, owner

    # what happens ----------------------------------------------------------------------------

    def live(self) -> None:
        self.desk.apply()
        for number in range(1, self.rounds + 1):
            self.round = number
            for _ in range(self.random.randint(1, 3)):
                self._pay()
            if self.random.random() < 0.5:
                self._wire()
            if self.random.random() < 0.3:
                self._fail()
            self._write_due()
            self._sync()
        self.round = self.rounds + 4
        self._write_due()
        self._decide(*self._sync())

    @property
    def today(self) -> date:
        return _START + timedelta(3 * self.round)

    def _amount(self, least: int = 1_000, most: int = 60_000) -> int:
        """One that no other has, so that what is alike is so on purpose."""
        while (amount := self.random.randint(least, most)) in self.amounts:
            pass
        self.amounts.add(amount)
        return amount

    def _pay(self) -> None:
        customer = self.random.choice(list(_CUSTOMERS))
        alike = self.random.random() < 0.15
        amount = self._amount()
        paid = [self._collect(customer, amount) for _ in range(2 if alike else 1)]
        way = self.random.choice(
            ["same", "same", "later", "later", "split", "joined", "family", "currency", "never"]
        )
        if alike or way in ("same", "later"):
            for one in paid:
                late = 0 if way == "same" else self.random.randint(1, 3)
                self._book(one, late=late)
        elif way == "split":
            self._split(paid[0])
        elif way == "joined":
            other = self._collect(customer, self._amount())
            self._join(paid[0], other)
        elif way == "family":
            relatives = {"T": "AB", "A": "TB", "B": "TA"}.get(customer, customer)
            self._book(paid[0], customer=self.random.choice(relatives), late=1)
        elif way == "currency":
            self._foreign(paid[0])
            self._book(paid[0], late=2)

    def _collect(self, customer: str, amount: int) -> Money:
        invoice = next(
            (name for name, left in self.open.items()
             if self.owner[name] == customer and left >= amount),
            None,
        )  # fmt: skip
        if self.random.random() < 0.3:
            invoice = None
        instrument = self.random.choice(["CARD", "DIRECT_DEBIT"])
        reference = f"pi_{self.random.randrange(10**9):09d}"
        answer = self.desk.hub.collect(
            customer,
            amount,
            settles={invoice: amount} if invoice else {},
            organisation=self.desk.name,
            validatedAt=self.today.isoformat(),
            instrument=instrument,
            refNumber=reference,
        )
        if invoice:
            self.open[invoice] -= amount
        money = Money(answer["id"], customer, amount, invoice, reference, self.today, instrument)
        self.money[money.id] = money
        return money

    def _book(self, one: Money, *, customer: str | None = None, late: int = 0) -> None:
        one.booked = True
        owner = customer or one.customer
        linked = one.invoice is not None and self.random.random() < 0.7
        self._write(
            Booking(
                round=self.round + late,
                entity="payment",
                name=self._name(),
                customer=owner,
                amount=one.amount,
                truth=(one.id,),
                settles={one.invoice: one.amount} if linked and one.invoice else {},
                reference=self._reference(one),
                instrument=self.random.choice([None, one.instrument, "UNKNOWN"]),
                shift=self.random.randint(-1, 2),
            )
        )

    def _reference(self, one: Money) -> str | None:
        return self.random.choice(
            [None, None, None, f"Upflow {one.id}", f"payout, {one.reference}"]
        )

    def _split(self, one: Money) -> None:
        one.booked = True
        first = self.random.randint(100, one.amount - 100)
        for part in (first, one.amount - first):
            self.amounts.add(part)
            self._write(
                Booking(
                    round=self.round + self.random.randint(0, 1),
                    entity="payment",
                    name=self._name(),
                    customer=one.customer,
                    amount=part,
                    truth=(one.id,),
                    settles={one.invoice: part} if one.invoice and first % 2 else {},
                )
            )

    def _join(self, one: Money, other: Money) -> None:
        one.booked = other.booked = True
        self.amounts.add(one.amount + other.amount)
        self._write(
            Booking(
                round=self.round + self.random.randint(0, 1),
                entity="payment",
                name=self._name(),
                customer=one.customer,
                amount=one.amount + other.amount,
                truth=(one.id, other.id),
            )
        )

    def _foreign(self, one: Money) -> None:
        """Other money, of the same figure in another currency."""
        self._write(
            Booking(
                round=self.round,
                entity="payment",
                name=self._name(),
                customer=one.customer,
                amount=one.amount,
                truth=(),
                currency="USD",
            )
        )

    def _wire(self) -> None:
        """Money that never was in the portal: by amount, or by how it came, it is another one."""
        customer = self.random.choice(list(_CUSTOMERS))
        own = [one for one in self.money.values() if one.customer == customer]
        alike = own and self.random.random() < 0.4
        self._write(
            Booking(
                round=self.round,
                entity="payment",
                name=self._name(),
                customer=customer,
                amount=self.random.choice(own).amount if alike else self._amount(),
                truth=(),
                instrument="WIRE_TRANSFER",
            )
        )

    def _fail(self) -> None:
        """A direct debit that comes back, whether it is booked by then or not."""
        debits = [
            one
            for one in self.money.values()
            if one.instrument == "DIRECT_DEBIT" and not one.failed and self._is_whole(one)
        ]
        if not debits:
            return
        one = self.random.choice(debits)
        one.failed = True
        booking = next((b for b in self.bookings if b.truth == (one.id,)), None)
        refund = self.desk.hub.fail(
            one.id, organisation=self.desk.name, validatedAt=self.today.isoformat()
        )
        if booking is None:
            return
        booking.settles = {}
        if booking.round <= self.round - 1:
            self.shop.run("delete from allocations where from_external_id = ?", booking.name)
        if self.random.random() < 0.8:
            self._write(
                Booking(
                    round=max(self.round, booking.round) + self.random.randint(0, 1),
                    entity="refund",
                    name=f"R{len(self.bookings)}",
                    customer=booking.customer,
                    amount=one.amount,
                    truth=(refund["id"],),
                    gives_back=booking.name,
                )
            )

    def _is_whole(self, one: Money) -> bool:
        """Not split or joined: how such a one is given back is another story."""
        return all(
            booking.amount == one.amount for booking in self.bookings if one.id in booking.truth
        )

    def _name(self) -> str:
        return f"P{len(self.bookings)}"

    def _write(self, booking: Booking) -> None:
        self.bookings.append(booking)

    def _write_due(self) -> None:
        """What the bookkeeper writes by now."""
        for one in self.bookings:
            if one.round > self.round or (one.entity, one.name) in self.truth:
                continue
            self.truth[one.entity, one.name] = one.truth
            self.customer_of[one.name] = one.customer
            day = self.today + timedelta(one.shift)
            if one.entity == "payment":
                self.shop.payment(
                    one.name, one.customer, one.amount, one.settles, day=day.isoformat()
                )
                self.shop.run(
                    "update payments set currency = ?, ref_number = ?, instrument = ? "
                    "where external_id = ?",
                    one.currency, one.reference, one.instrument, one.name,
                )  # fmt: skip
            else:
                settled = {one.gives_back: one.amount} if one.gives_back else {}
                self.shop.refund(one.name, one.customer, one.amount, settled)
                self.shop.run(
                    "update refunds set validated_at = ? where external_id = ?",
                    day.isoformat(), one.name,
                )  # fmt: skip

    # what must hold --------------------------------------------------------------------------

    def _sync(self) -> tuple[Plan, Reconciled]:
        with self.desk.open() as organisation:
            asyncio.run(organisation.prepare())
            plan = organisation.plan()
            outcome = asyncio.run(organisation.apply(plan, "apply"))
            organisation.compare()
            organisation.plan()
            proof = asyncio.run(organisation.remote.reconcile())
        assert outcome.rejected == 0, [one for one in self.desk.log() if one.status >= 400][-3:]
        assert plan.problems == [] and plan.withheld == []
        self.claims += len(plan.claims)
        self.holds += len(plan.held)
        for claim in plan.claims:
            truth = self.truth[claim.entity, claim.external_id]
            # Of several that were booked as one, any may become the booked one; the others go.
            right = truth and (claim.id == truth[0] or {claim.id, *claim.others} == set(truth))
            assert right, ("a wrong claim", claim, truth)
        self._check_nothing_twice()
        self._check_differences(plan, proof)
        return plan, proof

    def _check_nothing_twice(self) -> None:
        """What is booked and was sent does not stand there as collected as well."""
        there = [
            (entity, item["id"], item["externalId"])
            for entity in ("payment", "refund")
            for item in self.desk.get(f"/{entity}s?limit=500")["items"]
        ]
        strangers = {(entity, id) for entity, id, name in there if name is None}
        for entity, _, name in there:
            if name is not None:
                for id in self.truth[entity, name]:
                    assert (entity, id) not in strangers, ("a euro twice", name, id)

    def _check_differences(self, plan: Plan, proof: Reconciled) -> None:
        """Every difference is that of records that are held by name."""
        held: dict[tuple[str, str], int] = {}
        for one in plan.held:
            assert any(word in one.reason for word in _REASONS), one
            (booking,) = (b for b in self.bookings if b.name == one.external_id)
            key = booking.customer, booking.currency
            sign = -1 if booking.entity == "payment" else 1
            held[key] = held.get(key, 0) + sign * booking.amount
        found = {
            (one.customer, one.currency): one.book - (one.api - one.collected)
            for one in proof.differences
        }
        # Of a payment and its refund that are both held, the documents differ and not the balance.
        assert {key: amount for key, amount in found.items() if amount} == {
            key: amount for key, amount in held.items() if amount
        }, (found, held)
        assert found.keys() <= held.keys()
        assert proof.statements == []

    def _decide(self, plan: Plan, proof: Reconciled) -> None:
        """A person says of everything that is held what it is; then nothing is."""
        for _ in range(12):
            waiting = [one for one in plan.held if "collected" in one.reason]
            if not waiting:
                break
            taken: set[str] = set()
            for one in waiting:
                truth = self.truth[one.entity, one.external_id]
                left = [id for id in truth if self._is_stranger(one.entity, id)]
                if taken & set(left):  # the other part of what was split
                    continue
                taken |= set(left)
                words = ("accept", *left) if left else ("reject",)
                record = f"{one.entity}/{one.external_id}"
                done = self.desk.command("collected", words[0], record, *words[1:])
                assert done.returncode == 0, done.stderr
            plan, proof = self._sync()
        assert plan.held == [] and proof.balanced, (plan.held, proof.differences)
        booked = {id for truth in self.truth.values() for id in truth}
        assert booked.isdisjoint(one.id for one in proof.collected)

    def _is_stranger(self, entity: str, id: str) -> bool:
        items = self.desk.get(f"/{entity}s?limit=500")["items"]
        return any(item["id"] == id and item["externalId"] is None for item in items)
