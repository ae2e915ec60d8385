"""What a hub holds against what the book says, whoever delivered it.

A journal that knows nothing adopts all that is as the book has it: what is left to create is lost,
what differs is wrong, and what is not the book's is left over. `reconcile` then adds up the money.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from headrace.fleet.project import load_project
from headrace.model.clock import SYSTEM_CLOCK
from headrace.testkit.billing import write_project


class Verdict(Struct, frozen=True):
    """How many records of the hub are not as they should be."""

    lost: int
    links: int
    """Payments, credit notes and refunds that settle something else than they should."""
    parents: int
    other: int
    """With any other field that differs."""
    extra: int
    """Of the hub alone: doubles, and what should have been deleted."""
    balances: int
    """Pairs of customer and currency whose balances differ."""

    @property
    def right(self) -> bool:
        """Whether nothing at all is wrong."""
        return not any((self.lost, self.links, self.parents, self.other, self.extra, self.balances))

    def __str__(self) -> str:
        names = {
            "lost": self.lost,
            "with wrong links": self.links,
            "with wrong parents": self.parents,
            "with other wrong fields": self.other,
            "left over": self.extra,
            "balances that differ": self.balances,
        }
        wrong = [f"{count:,} {name}" for name, count in names.items() if count]
        return "right" if not wrong else ", ".join(wrong)


def judge(folder: Path, database: Path, url: str, key: str, secret: str) -> Verdict:
    """Reads everything from the hub; `folder` is new, and made for it."""
    project = load_project(write_project(folder, database, rate=600))
    environment = {"HEADRACE_URL": url, "HEADRACE_KEY": key, "HEADRACE_SECRET": secret}
    with project.open(project.only(None), SYSTEM_CLOCK, os.environ | environment) as organisation:
        organisation.refresh()
        adoption = asyncio.run(organisation.remote.adopt(write=True))
        organisation.rebuild(whole=True)
        plan = organisation.plan()
        proof = asyncio.run(organisation.remote.reconcile())
    kinds = [_kind(name for name, *_ in drift.fields) for drift in adoption.differing]
    return Verdict(
        lost=sum(count.count for count in plan.counts if count.action == "create"),
        links=kinds.count("links"),
        parents=kinds.count("parents"),
        other=kinds.count("other"),
        extra=adoption.strangers + len(adoption.proposals),
        balances=len(proof.differences),
    )


def _kind(fields: Iterable[str]) -> str:
    names = list(fields)
    if any(name.startswith("linked") for name in names):
        return "links"
    return "parents" if any(name.startswith("parent") for name in names) else "other"
