"""A desk at a hub for one real system: after each action both must hold the same money."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from desk import HubDesk, overlapping

Money = dict[str, int]
"""Amounts in the lowest division of the currency, by external id; without zeros."""


PROJECT = """
[organisation.acme]
models = "{models}"
target = {{ url = "env:HEADRACE_URL", key = "env:HEADRACE_KEY", secret = "env:HEADRACE_SECRET" }}

[organisation.acme.source]
{source}"""


def write_project(folder: Path, system: str, source: str) -> None:
    """Write the project file of an organisation that uses a system's models as they are, or those
    in its folder."""
    models = f"system:{system}" if system else "models"
    text = PROJECT.format(models=models, source=source)
    (folder / "headrace.toml").write_text(text)


class LiveDesk:
    """One project over one real system, and an organisation of a hub."""

    def __init__(
        self,
        desk: HubDesk,
        balances: Callable[[], Money],
        open_documents: Callable[[], Money],
        document: str = "externalId",
    ) -> None:
        """`balances` of customers, or of all of them under the name `""`, and `open_documents`
        (invoices and credit notes) are asked of the system itself, not of headrace. `document` is
        the field of the hub by which the system names documents."""
        self._document = document
        self._desk = desk
        self._balances = balances
        self._open = open_documents

    def settle(self) -> list[str]:
        """Sync, compare with the system, and return what the hub was sent: `POST invoice 201`
        each, in the order of the alphabet."""
        before = len(self._desk.writes())
        with self._desk.open() as organisation:
            asyncio.run(organisation.prepare())
            outcome = asyncio.run(organisation.apply(organisation.plan(), "apply"))
            organisation.compare()
            left = organisation.plan()
            proof = asyncio.run(organisation.remote.reconcile())
            drift = asyncio.run(organisation.remote.drift())
        assert (outcome.rejected, outcome.held, outcome.left) == (0, 0, 0), self._desk.log()[-3:]
        assert left.errors == 0, left.problems
        assert left.empty and not left.held, (left.counts, left.held)
        assert proof.balanced, (proof.differences, proof.statements)
        assert drift.empty, drift
        writes = self._desk.writes(before)
        assert overlapping(writes) == []
        self._compare()
        return sorted(f"{one.method} {one.entity} {one.status}" for one in writes)

    def _compare(self) -> None:
        """What the hub says must be what the system says, to the cent."""
        here, there = self._listed("customers", lambda one: one["balance"]), self._balances()
        assert (here if "" not in there else {"": sum(here.values())}) == there
        name = self._document
        documents = self._listed("invoices", lambda one: one["amountOutstanding"], name)
        documents |= self._listed(
            "credit_notes", lambda one: one["grossAmount"] - one["amountLinked"], name
        )
        assert documents == self._open()

    def _listed(
        self, path: str, amount: Callable[[dict[str, Any]], int], name: str = "externalId"
    ) -> Money:
        answer = self._desk.get(f"/{path}?limit=500")
        assert answer["total"] <= 500
        items: list[dict[str, Any]] = next(v for v in answer.values() if isinstance(v, list))
        amounts = {item[name]: amount(item) for item in items}
        return {number: amount for number, amount in amounts.items() if amount}
