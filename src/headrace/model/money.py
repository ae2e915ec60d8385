"""Money: an integer in the currency's lowest division, always together with its currency.

The exponents are those of ISO 4217 (docs/api-evidence.md, Money): 12.258 LYD is 12258.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

_CODES_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP "
    "BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP "
    "GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK "
    "LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK "
    "NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
    "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER "
    "ZAR ZMW ZWG HRK CUC SLL ZWL",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

EXPONENTS: dict[str, int] = {
    code: exponent for exponent, codes in _CODES_BY_EXPONENT.items() for code in codes.split()
}
"""Number of decimals of every known currency code."""

MAX_AMOUNT = 2**63 - 1
"""The largest amount accepted anywhere: the maximum of a 64-bit integer."""


def format_money(amount: int, currency: str) -> str:
    """Format for people: `format_money(148230050, "EUR")` gives `EUR 1,482,300.50`."""
    exponent = EXPONENTS.get(currency, 2)
    return f"{currency} {Decimal(amount).scaleb(-exponent):,.{exponent}f}"


def decimal_text(amount: int, currency: str) -> str:
    """Format for programs: `decimal_text(-2500, "EUR")` gives `-25.00`."""
    exponent = EXPONENTS.get(currency, 2)
    return f"{Decimal(amount).scaleb(-exponent):.{exponent}f}"


def converted(amount: int, currency: str, into: str, rate: Decimal) -> int:
    """Convert an amount; `rate` is the price of one unit of `currency`, halves go to even."""
    decimals = EXPONENTS.get(into, 2) - EXPONENTS.get(currency, 2)
    return int((Decimal(amount) * rate).scaleb(decimals).to_integral_value(ROUND_HALF_EVEN))
