"""SQL for the models' macros: how many lowest divisions a unit of a currency has."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.model.money import EXPONENTS
from headrace.model.processors import DECIMALS, ISO


def scale_of_currency() -> str:
    """Return SQL for the number of lowest divisions in one unit of `currency`, by ISO 4217;
    ignores case."""
    cases = []
    for exponent in sorted(set(EXPONENTS.values()) - {2}):
        codes = (code for code, own in EXPONENTS.items() if own == exponent)
        cases.append(f"when {_is_one_of(codes)} then {10**exponent}::smallint")
    return f"case {' '.join(cases)} else 100::smallint end"


def scale_of_processor() -> str:
    """Return SQL for the minor units in one unit of `currency` as `processor` counts them; an
    unknown one is an error."""
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
    # One search in one text: DuckDB would turn each IN list into a join. Lower case is accepted
    # because some systems write it: treating 'jpy' as a currency of two decimals would be wrong by
    # a factor of 100.
    listed = " ".join(codes)
    code = "currency::varchar"  # may be just NULL
    return f"length({code}) = 3 and contains('{listed} {listed.lower()}', {code})"
