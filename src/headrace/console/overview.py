"""The overview of an organisation as texts, and how long one is shown."""

from __future__ import annotations

import asyncio
import logging

from msgspec import Struct

from headrace.model.clock import Clock
from headrace.model.money import format_money
from headrace.store.context import Context
from headrace.store.engine.interface import Store
from headrace.store.records.organisation_overview import (
    DSO_MONTHS,
    CurrencyFigures,
    OrganisationOverview,
    read_organisation_overview,
)

FRESH_S, SHOWN_S = 60.0, 600.0
"""After how long another overview is made, and for how long at most one is shown."""
_LOGGER = logging.getLogger("headrace.server")
BUCKETS = ("Not due", "1 to 30 days", "31 to 60 days", "61 to 90 days", "More than 90 days")


class BarRow(Struct, frozen=True):
    """A row of a chart: a text, an amount, and its share of the largest in percent."""

    label: str
    amount: str
    share: int
    note: str = ""


class FigureTexts(Struct, frozen=True):
    """The figures in one currency."""

    currency: str
    outstanding: str
    due: str
    overdue: str
    is_overdue: bool
    unapplied: str
    dso: str
    paid: str
    payments: int


class _Known(Struct, frozen=True):
    made: float
    """In monotonic seconds."""
    clock: str | None
    """The organisation's stopped time, if it is stopped."""
    overview: OrganisationOverview


class Overviews:
    """Makes overviews. After a minute another is made while the last one is still shown, for up to
    ten minutes; so only the first reader of a large organisation waits."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._lock = asyncio.Lock()
        self._renewals: dict[int, asyncio.Task[OrganisationOverview]] = {}

    async def of(self, store: Store, clock: Clock, context: Context) -> OrganisationOverview:
        """Return the overview of the context's organisation."""
        organisation = context.organisation
        known = self._known.get(organisation.seq)
        # A test clock that is moved changes what is overdue at once.
        if known is None or known.clock != organisation.clock:
            return await self._make(store, clock, context)
        age = clock.monotonic() - known.made
        if age > SHOWN_S:
            return await self._make(store, clock, context)
        if age > FRESH_S and organisation.seq not in self._renewals:
            task = asyncio.ensure_future(self._make(store, clock, context))
            self._renewals[organisation.seq] = task
            task.add_done_callback(lambda done: self._renewed(organisation.seq, done))
        return known.overview

    async def _make(self, store: Store, clock: Clock, context: Context) -> OrganisationOverview:
        # One at a time: each keeps a core busy.
        async with self._lock:
            begun, organisation = clock.monotonic(), context.organisation
            made = await store.scan(read_organisation_overview, context)
            self._known[organisation.seq] = _Known(begun, organisation.clock, made)
            return made

    def _renewed(self, organisation: int, done: asyncio.Task[OrganisationOverview]) -> None:
        del self._renewals[organisation]
        if not done.cancelled() and done.exception() is not None:
            _LOGGER.warning("an overview could not be made", exc_info=done.exception())


def figures_of(one: CurrencyFigures) -> FigureTexts:
    """Return the figures as texts."""

    def money(amount: int) -> str:
        return format_money(amount, one.currency)

    dso = f"more than {DSO_MONTHS} months" if one.dso is None else f"{one.dso} days"
    return FigureTexts(
        currency=one.currency,
        outstanding=money(one.outstanding),
        due=money(one.due),
        overdue=money(one.overdue),
        is_overdue=one.overdue > 0,
        unapplied=money(one.unapplied),
        dso=dso,
        paid=money(one.paid),
        payments=one.payments,
    )


def ageing_rows(one: CurrencyFigures) -> list[BarRow]:
    """Return the ageing as a chart."""
    most = max(one.ageing.buckets)
    return [
        BarRow(label, format_money(amount, one.currency), _share(amount, most))
        for label, amount in zip(BUCKETS, one.ageing.buckets, strict=True)
    ]


def debtor_rows(one: CurrencyFigures) -> list[BarRow]:
    """Return the top debtors as a chart."""
    most = max((debtor.owed for debtor in one.debtors), default=0)
    return [
        BarRow(
            debtor.name,
            format_money(debtor.owed, one.currency),
            _share(debtor.owed, most),
            debtor.external_id or debtor.id,
        )
        for debtor in one.debtors
    ]


def _share(amount: int, most: int) -> int:
    return 100 * amount // most if most else 0
