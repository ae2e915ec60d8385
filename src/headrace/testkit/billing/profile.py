"""What kind of company the generator makes up: who its clients are, what it bills, how it is paid.

A share is the part of all cases, from 0 to 1. Amounts are in a currency's lowest division.
"""

from __future__ import annotations

from msgspec import Struct

from headrace.testkit.billing import words


class Profile(Struct, frozen=True, kw_only=True):
    """The defaults are a mixture of everything, over three years."""

    history_days: int = 3 * 365

    # clients
    with_children: float = 0.15
    with_grandchildren: float = 0.05
    """Of all families; those have children too."""
    children: tuple[int, int] = (1, 4)
    contacts: tuple[int, ...] = (3, 60, 27, 10)
    """Weights of none, one, two, … contacts."""

    # bills
    bills: tuple[int, int] | None = None
    """How many a client has; None for few mostly, and very many rarely."""
    every_days: int | None = None
    """The rhythm of a subscription; None for any day."""
    currencies: tuple[str, ...] = words.CURRENCIES
    currency_weights: tuple[int, ...] = words.CURRENCY_WEIGHTS
    stray_currency: float = 0.05
    """Share of bills that are in another currency than the client's."""
    amounts: tuple[float, float] = (10.8, 1.2)
    """Mean and deviation of the logarithm of a total."""
    prices: tuple[int, ...] = ()
    """A plan's price per seat: every bill of a client is then the same."""
    round_to: int = 1
    terms_days: tuple[int, ...] = (0, 15, 30, 30, 30, 45, 60)
    taxes: tuple[int, ...] = (0, 6, 10, 20)
    subjects: tuple[str | None, ...] = words.SUBJECTS
    methods: tuple[str, ...] = words.METHODS

    # what becomes of bills
    part_paid: float = 0.1
    """Of the open ones."""
    ticked_off: float = 0.03
    credited: float = 0.03
    partly_credited: float = 0.06
    in_two_parts: float = 0.08
    together: float = 0.20
    """Paid by one payment for several."""
    overpaid: float = 0.03
    """These shares are of the settled ones; the others are paid as they are."""
    paid_back: float = 0.4
    """Of the overpaid ones."""
    open_credit: float = 0.03
    """Bills followed by a credit note that nothing is applied to."""
    credit_paid_out: float = 0.3
    """Of such credit notes."""

    # what has no document
    adjusted: float = 0.1
    """Clients with a journal entry."""
    bare_payout: float = 0.01
    """Clients with a payout of nothing in particular."""


MIXED = Profile()

_COMPANY = Profile(
    history_days=360,
    with_grandchildren=0.0,
    contacts=(0, 55, 30, 15),
    part_paid=0.4,
    ticked_off=0.0,
    paid_back=0.7,
    overpaid=0.07,
    open_credit=0.07,
    credit_paid_out=0.4,
    adjusted=0.0,
    bare_payout=0.0,
)
"""The API imports documents only, and one level of parents."""


def _company(**changes: object) -> Profile:
    fields = {name: getattr(_COMPANY, name) for name in Profile.__struct_fields__}
    return Profile(**{**fields, **changes})


COMPANIES = {
    "agency": _company(
        with_children=0.05,
        children=(1, 2),
        bills=(3, 14),
        currencies=("EUR",),
        currency_weights=(1,),
        stray_currency=0.0,
        amounts=(13.2, 0.8),
        round_to=5_000,
        terms_days=(30, 30, 45, 60),
        taxes=(20,),
        subjects=("Campaign", "Retainer", "Brand design", "Website", "Photo shoot", "Media plan"),
        methods=("WIRE_TRANSFER",),
        in_two_parts=0.2,
        together=0.1,
        partly_credited=0.08,
    ),
    "wholesaler": _company(
        with_children=0.55,
        children=(2, 6),
        bills=(4, 20),
        currencies=("EUR", "GBP"),
        currency_weights=(85, 15),
        stray_currency=0.0,
        amounts=(11.3, 0.9),
        terms_days=(14, 30, 30, 60),
        taxes=(6, 20),
        subjects=("Delivery", "Pallets", "Return", "Fresh goods", "Displays", None),
        methods=("WIRE_TRANSFER", "DIRECT_DEBIT", "DIRECT_DEBIT", "CHECK"),
        credited=0.05,
        partly_credited=0.15,
        together=0.35,
        open_credit=0.08,
    ),
    "saas": _company(
        with_children=0.03,
        children=(1, 3),
        bills=(2, 13),
        every_days=30,
        currencies=words.CURRENCIES,
        currency_weights=(40, 28, 16, 9, 7),
        stray_currency=0.0,
        prices=(1_900, 4_900, 9_900, 24_900),
        terms_days=(0, 0, 14, 30),
        taxes=(0, 20),
        subjects=("Subscription", "Subscription", "Seats", "Support plan"),
        methods=("CARD", "CARD", "CARD", "DIRECT_DEBIT", "WIRE_TRANSFER"),
        in_two_parts=0.02,
        together=0.05,
        credited=0.04,
    ),
}
"""Companies that a sandbox can be filled with."""
