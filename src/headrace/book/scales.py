"""How many lowest divisions a unit of a currency has, as SQL for the models' macros."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.model.money import EXPONENTS
from headrace.model.processors import DECIMALS, ISO


def scale_of_currency() -> str:
    """SQL for the lowest divisions in one unit of `currency`, by ISO 4217; case does not count."""
    cases = []
    for exponent in sorted(set(EXPONENTS.values()) - {2}):
        codes = (code for code, own in EXPONENTS.items() if own == exponent)
        cases.append(f"when {_is_one_of(codes)} then {10**exponent}::smallint")
    return f"case {' '.join(cases)} else 100::smallint end"


def scale_of_processor() -> str:
    """SQL for the units in one unit of `currency` as `processor` counts; an error if unknown."""
    cases = []
    for processor, decimals in DECIMALS.items():
        own = [
            f"when processor = '{processor}' and {_is_one_of([code])} then {10**count}::smallint"
            for code, count in decimals.items()
        ]
        cases += own
    known = [ISO, *DECIMALS]
    names = ", ".join(f"'{name}'" for name in known)
    said = f"minor_units knows the processors {', '.join(known)}, and not "
    return (
        f"case {' '.join(cases)} when processor in ({names}) then minor_scale(currency) "
        f"else error('{said}' || coalesce(processor, 'null')) end"
    )


def _is_one_of(codes: Iterable[str]) -> str:
    # One search in one text: the engine would turn IN lists into a join each. Lower case is as
    # good, for some systems write it: 'jpy' taken for a currency of two decimals would be wrong
    # by a factor of 100.
    listed = " ".join(codes)
    code = "currency::varchar"  # which may be no more than NULL
    return f"length({code}) = 3 and contains('{listed} {listed.lower()}', {code})"
