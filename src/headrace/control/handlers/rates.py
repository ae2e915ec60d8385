"""Exchange rates of the hub."""

from __future__ import annotations

from decimal import Decimal

from headrace.control.desk import Order
from headrace.control.records import RateAnswer, Rates
from headrace.model.errors import BadRequest
from headrace.model.money import EXPONENTS
from headrace.store.records.rates import all_rates, remove_rates, set_rates

_DAY = 10


async def list_(order: Order) -> Rates:
    """List all rates."""
    rows = await order.desk.store.scan(all_rates)
    return Rates(rates=[RateAnswer(base=b, currency=c, day=d, rate=r) for b, c, d, r in rows])


async def create(order: Order) -> Rates:
    """Set rates; those of the same day are replaced."""
    draft = order.body
    for currency, rate in draft.rates.items():
        place = f"rates.{currency}"
        if currency not in EXPONENTS:
            problem = "is not an ISO 4217 currency code, such as EUR"
            raise BadRequest(f"{place}: {problem}.", ((place, problem),))
        if not Decimal(rate):
            raise BadRequest(f"{place}: must be more than zero.", ((place, "is zero"),))
    day = draft.day[:_DAY] if isinstance(draft.day, str) else order.now.date().isoformat()
    await order.write_alone(set_rates, draft.base, day, draft.rates)
    return await list_(order)


async def delete(order: Order) -> None:
    """Delete all rates: amounts in other currencies are no longer added."""
    await order.write_alone(remove_rates)
