"""Minor units of payment processors, where they deviate from ISO 4217.

Contains only what a processor documents. Most of them use decimals of the currency (PayPal,
Braintree, Mollie) or ISO's lowest division (GoCardless, Square), and need no entry.
"""

from __future__ import annotations

ISO = "iso"
"""The name for a source whose minor units follow ISO 4217."""

DECIMALS: dict[str, dict[str, int]] = {
    # docs.stripe.com/currencies: MGA is a zero-decimal currency; ISK and UGX have become
    # zero-decimal, but amounts still have two decimals. (HUF and TWD are special in payouts only.)
    "stripe": {"ISK": 2, "UGX": 2, "MGA": 0},
    # docs.adyen.com/development-resources/currency-codes, the note on deviations.
    "adyen": {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2},
}
"""By processor and currency: the number of decimals in its amounts, where it differs from ISO's."""
