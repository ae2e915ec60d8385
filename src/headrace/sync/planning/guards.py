"""Guards: refuse a plan that changes so much that a person should look at it first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from headrace.model.entity import BY_NAME
from headrace.model.guards import GuardSettings
from headrace.model.money import format_money
from headrace.sync.planning.shift import Shift

_FEW = 10
"""Records of an entity that may always change: a share of fewer records means nothing."""
_SOME = 3
"""Number of reopened invoices, or of documents that move the outstanding amount, from which the
limit applies: a single correction affects one or two."""
_MANY = 100
"""New records of an entity that are always allowed."""
_LINKED_AS_BOOKED = ("payment", "refund")


class Guards:
    """Compares a plan's figures with the limits in the settings."""

    def __init__(
        self,
        settings: GuardSettings,
        applied: Mapping[str, int],
        desired: Mapping[str, int],
        count: Callable[[str, str], int],
        shift: Shift,
    ) -> None:
        """Compare one plan with `settings`.

        `applied` and `desired` are the numbers of records per entity that the API has and that it
        should have; `count(entity, action)` returns the plan's number of operations.
        """
        self._settings = settings
        self._applied = applied
        self._desired = desired
        self._count = count
        self._shift = shift

    def objections(self) -> list[str]:
        """Return a clause with figures for each limit that the plan exceeds."""
        found = list(self._of_the_whole())
        for entity in (*BY_NAME, "contact"):
            found += self._of_entity(entity, self._applied.get(entity, 0))
        return found + list(self._of_links()) + list(self._of_money())

    def _of_the_whole(self) -> Iterator[str]:
        if self._applied and not any(self._desired.values()):
            yield (
                "the source came back empty, while the API has "
                f"{sum(self._applied.values()):,} records"
            )

    def _of_entity(self, entity: str, there: int) -> Iterator[str]:
        limits = self._settings
        things = f"{entity.replace('_', ' ')}s"
        gone, new = self._count(entity, "delete"), self._count(entity, "create")
        if there > _FEW:
            yield from _over(gone, there, limits.deletions, f"it deletes {{}} {things}")
            if entity not in _LINKED_AS_BOOKED:
                changed = self._count(entity, "update")
                yield from _over(changed, there, limits.changes, f"it changes {{}} {things}")
            shift = self._shift
            for share, limit, what in (
                (shift.withheld, limits.withheld, f"errors withhold {{}} {things}"),
                (shift.amounts, limits.amounts, f"it changes the amounts of {{}} {things}"),
                (shift.currencies, limits.currencies, f"it changes the currency of {{}} {things}"),
            ):
                yield from _over(share.get(entity, 0), there, limit, what)
        if self._shift.imported and there > _FEW and new > _MANY:
            yield from _over(
                new,
                there,
                limits.creations,
                f"it creates {new:,} {things}, while the API has {there:,}",
            )

    def _of_links(self) -> Iterator[str]:
        limits, shift = self._settings, self._shift
        if shift.reopened >= _SOME:
            settled = max(shift.settled, shift.reopened)
            yield from _over(
                shift.reopened, settled, limits.unlinked, "it reopens {} settled invoices"
            )
        if shift.flawed_links > _FEW:
            yield from _over(
                shift.flawed_links, shift.links, limits.withheld, "errors withhold {} allocations"
            )
        if (contacts := shift.contacts + shift.contacts_removed) > _FEW:
            yield from _over(
                shift.contacts_removed, contacts, limits.deletions, "it removes {} contacts"
            )

    def _of_money(self) -> Iterator[str]:
        for one in self._shift.open:
            if one.documents < _SOME:
                continue
            limit = self._settings.money
            if abs(one.change) > max(0, one.before) * limit:
                was, now = (
                    format_money(amount, one.currency)
                    for amount in (one.before, one.before + one.change)
                )
                yield (
                    f"{one.documents:,} changed documents move the outstanding amount from {was} "
                    f"to {now} (the limit is {limit:.0%})"
                )


def _over(part: int, whole: int, limit: float, said: str) -> Iterator[str]:
    if part > whole * limit:
        figures = said.format(f"{part:,} of {whole:,}")
        yield f"{figures} ({part / whole:.0%}, the limit is {limit:.0%})"
