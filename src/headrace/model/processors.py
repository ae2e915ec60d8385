"""How payment processors count money where they don't count as ISO 4217 does.

Only what a processor publishes. Most of them count in decimals of the currency (PayPal, Braintree,
Mollie) or in ISO's lowest division (GoCardless, Square), and need no entry.
"""

from __future__ import annotations

ISO = "iso"
"""The name for a source whose minor units are those of ISO 4217."""

DECIMALS: dict[str, dict[str, int]] = {
    # docs.stripe.com/currencies: MGA is a zero-decimal currency; ISK and UGX became ones without
    # decimals, but are still written with two. (HUF and TWD are special in payouts only.)
    "stripe": {"ISK": 2, "UGX": 2, "MGA": 0},
    # docs.adyen.com/development-resources/currency-codes, its note on deviations.
    "adyen": {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2},
}
"""Processor to currency to the number of decimals in its amounts, where that is not ISO's."""
