"""A shop and its desk at a hub, to be brought in step after each thing that happens."""

from __future__ import annotations

from collections.abc import Callable

from desk import HubDesk, overlapping
from shop import Shop

from headrace.server.observing.request_log import LogRecord
from headrace.sync.planning.plan import Plan
from headrace.sync.remote.proof import Reconciled


class Pair:
    """A shop and its desk at a hub."""

    def __init__(self, shop: Shop, desk: HubDesk) -> None:
        self.shop = shop
        self.desk = desk
        self.proof: Reconciled | None = None
        """That of the last sync."""

    def sync(self, seen: Callable[[Plan], None] | None = None) -> list[LogRecord]:
        """One apply, after which both must agree; what the hub was sent for it. `seen` is called
        with its plan."""
        before = len(self.desk.writes())
        outcome, plan, proof = self.desk.apply_and_prove(seen)
        self.proof = proof
        assert (outcome.rejected, outcome.held, outcome.left) == (0, 0, 0), self.desk.log()[-3:]
        assert plan.empty and not plan.held and not plan.errors
        assert proof.balanced, (proof.differences, proof.statements)
        writes = self.desk.writes(before)
        assert overlapping(writes) == []
        return writes


def told(writes: list[LogRecord]) -> list[str]:
    """`POST I1 200` for each, in the order of arrival."""
    return [f"{record.method} {record.external_id} {record.status}" for record in writes]
