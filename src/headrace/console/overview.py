"""The overview of an organisation as texts, and how its figures are kept.

Reading a whole organisation takes seconds, so nobody waits for it: figures are computed in the
background, and a page without them says that they are being computed.
"""

from __future__ import annotations

import asyncio
import logging

from msgspec import Struct

from headrace.model.clock import Clock
from headrace.model.money import format_money
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.engine.interface import Store
from headrace.store.records.organisation_overview import (
    DSO_MONTHS,
    CurrencyFigures,
    OrganisationOverview,
    read_organisation_overview,
)
from headrace.store.records.rates import converter, rates_in_use

FRESH_S = 60.0
"""After how long another overview is made."""
_PATIENCE_S = 0.03
"""How long a page waits for figures; those of a small organisation are there."""
_DIGITS = 6
TOP = 10
"""Debtors on the overview."""
_LOGGER = logging.getLogger("headrace.server")
BUCKETS = ("Not due", "1 to 30 days", "31 to 60 days", "61 to 90 days", "More than 90 days")


class BarRow(Struct, frozen=True):
    """A row of a chart: a text, an amount, and its share of the largest in percent."""

    label: str
    amount: str
    share: int
    note: str = ""
    id: str = ""
    """The customer's id, of a row about one."""


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
    """Makes overviews in the background, one at a time: each keeps a core busy."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._lock = asyncio.Lock()
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def of(self, store: Store, clock: Clock, context: Context) -> OrganisationOverview | None:
        """Return the overview of the context's organisation, which may be some minutes old while
        another one is made; None while the first one is."""
        organisation = context.organisation
        known = self._known.get(organisation.seq)
        # A test clock that is moved changes what is overdue at once.
        is_valid = known is not None and known.clock == organisation.clock
        if known is None or not is_valid or clock.monotonic() - known.made > FRESH_S:
            task = self._tasks.get(organisation.seq)
            if task is None:
                task = asyncio.ensure_future(self._make(store, clock, context))
                self._tasks[organisation.seq] = task
            await asyncio.wait({task}, timeout=_PATIENCE_S)
            known = self._known.get(organisation.seq)
        if known is None or known.clock != organisation.clock:
            return None
        return known.overview

    async def _make(self, store: Store, clock: Clock, context: Context) -> None:
        organisation = context.organisation
        try:
            async with self._lock:
                begun = clock.monotonic()
                made = await store.scan(read_organisation_overview, context)
                self._known[organisation.seq] = _Known(begun, organisation.clock, made)
        except Exception:
            _LOGGER.warning("an overview could not be made", exc_info=True)
        finally:
            del self._tasks[organisation.seq]


class Total(Struct, frozen=True):
    """What is outstanding in all currencies together, at the rates of the hub."""

    currency: str
    outstanding: str
    rates: list[str]
    """The rates in use."""
    missing: list[str]
    """Currencies that are left out, because the hub has no rate."""


def total_of(db: Connection, context: Context, overview: OrganisationOverview) -> Total | None:
    """Return the total; None for an organisation of one currency."""
    into = context.organisation.currency
    others = [one for one in overview.currencies if one.currency != into]
    if not others:
        return None
    convert = converter(db, context)
    rates = rates_in_use(db, context, [one.currency for one in others], into)
    amounts = [
        one.outstanding
        if one.currency == into
        else convert(one.outstanding, one.currency, into) or 0
        for one in overview.currencies
    ]
    return Total(
        into,
        format_money(sum(amounts), into),
        [f"1 {name} = {round(rate, _DIGITS)} {into}" for name, rate in rates.items() if rate],
        [name for name, rate in rates.items() if rate is None],
    )


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


def debtor_rows(one: CurrencyFigures, limit: int = TOP) -> list[BarRow]:
    """Return the top debtors as a chart."""
    most = max((debtor.owed for debtor in one.debtors), default=0)
    return [
        BarRow(
            debtor.name,
            format_money(debtor.owed, one.currency),
            _share(debtor.owed, most),
            debtor.external_id or "",
            debtor.id,
        )
        for debtor in one.debtors[:limit]
    ]


def _share(amount: int, most: int) -> int:
    return 100 * amount // most if most else 0
