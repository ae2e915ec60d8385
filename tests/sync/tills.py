"""Customers of a shop pay in the portal, and their payments are booked there later."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from desk import HubDesk
from shop import Shop
from together import Case

from headrace.sync.planning.plan import Plan
from headrace.sync.remote.proof import Reconciled


def fill(shop: Shop) -> None:
    """A customer with an invoice, where money is collected."""
    shop.customer("C1")
    shop.invoice("I1", "C1", 10000)


class Alone:
    """A shop and its desk without other cases."""

    def __init__(self, shop: Shop, desk: HubDesk) -> None:
        self.shop = shop
        self.desk = desk
        self.get = desk.get

    def marked(self, id: str) -> str:
        return id


class Visit:
    """A shop whose customers also pay in the portal."""

    def __init__(self, case: Case | Alone) -> None:
        self.case = case
        if isinstance(case, Case):
            fill(case.shop)

    def collect(
        self, customer: str, amount: int, settles: Mapping[str, int] = {}, **more: object
    ) -> str:
        """The API's id of a payment in the portal."""
        fields = {
            "validatedAt": "2026-05-05",
            "settles": {self.case.marked(id): part for id, part in settles.items()},
            **more,
        }
        desk, name = self.case.desk, self.case.marked(customer)
        return str(desk.hub.collect(name, amount, organisation=desk.name, **fields)["id"])  # type: ignore[arg-type]

    def decide(self, word: str, record: str, *ids: str) -> None:
        """`accept` or `reject`: what a record of the source is to what was collected."""
        entity, _, name = record.partition("/")
        record = f"{entity}/{self.case.marked(name)}" if name else record
        done = self.case.desk.command("collected", word, record, *ids)
        assert done.returncode == 0, done.stderr

    def payments(self) -> list[tuple[str | None, int, int]]:
        """(external id, amount, linked) of all that the API has."""
        items = self.case.get("/payments")["items"]
        return sorted(
            ((one["externalId"], one["amount"], one["amountLinked"]) for one in items), key=str
        )

    def balance(self, customer: str = "C1") -> int:
        return int(self.case.get(f"/customers/external:{customer}")["balance"])


class Till(Visit):
    """A visit that has an organisation in step to itself."""

    def __init__(self, shop: Shop, desk: HubDesk) -> None:
        super().__init__(Alone(shop, desk))
        self.shop = shop
        self.desk = desk

    def sync(self) -> tuple[Plan, Reconciled]:
        with self.desk.open() as organisation:
            asyncio.run(organisation.prepare())
            plan = organisation.plan()
            asyncio.run(organisation.apply(plan, "apply"))
            organisation.compare()
            organisation.plan()
            return plan, asyncio.run(organisation.remote.reconcile())
