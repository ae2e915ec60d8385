"""Exchange rates, which the hub's operator keeps: balances over several currencies need them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from headrace.ledger.standing import Convert
from headrace.model.money import converted
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import RATE as SQL


def set_rates(db: Connection, base: str, day: str, rates: Mapping[str, str]) -> None:
    """Store the prices of one unit of `base` in other currencies, valid from `day` on."""
    for currency, rate in sorted(rates.items()):
        db.execute(SQL["set"], (base, currency, day, rate))


def all_rates(db: Connection) -> list[tuple[str, str, str, str]]:
    """Return (base, currency, day, rate) of all."""
    return [tuple(row) for row in db.execute(SQL["all"]).fetchall()]


def remove_rates(db: Connection) -> None:
    """Delete all rates."""
    db.execute(SQL["delete_all"])


def converter(db: Connection, context: Context) -> Convert:
    """Return a function that converts an amount at the rates of the organisation's day; it returns
    None where there are none for the two currencies."""
    prices = _prices(db, context)

    def convert(amount: int, currency: str, into: str) -> int | None:
        rate = _rate(prices, currency, into)
        return None if rate is None else converted(amount, currency, into, rate)

    return convert


def rates_in_use(
    db: Connection, context: Context, currencies: Iterable[str], into: str
) -> dict[str, Decimal | None]:
    """Return the price of one unit of each currency in `into` that `converter` goes by; None where
    there is none."""
    prices = _prices(db, context)
    return {one: _rate(prices, one, into) for one in currencies}


def _prices(db: Connection, context: Context) -> dict[str, dict[str, Decimal]]:
    prices: dict[str, dict[str, Decimal]] = {}
    for base, currency, rate in db.execute(SQL["valid"], (context.today.isoformat(),)).fetchall():
        prices.setdefault(base, {base: Decimal(1)})[currency] = Decimal(rate)
    return prices


def _rate(prices: Mapping[str, Mapping[str, Decimal]], currency: str, into: str) -> Decimal | None:
    for base in sorted(prices, key=lambda base: (base != into, base)):
        known = prices[base]
        if currency in known and into in known:
            return known[into] / known[currency]
    return None
