"""The proof as a value: what `reconcile` compared, and what it found.

In JSON a side is called as everywhere else: `control` is the source's own figure, `models` what the
models make of the source, `api` what the API answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

CONTROL, MODELS, API = "control", "models", "API"
"""The three sides: the source's own figures, what the models make of it, what the API holds."""


class OpenDocument(Struct, frozen=True):
    """A document of the models that may explain why the source's own figure is another one."""

    entity: str
    external_id: str
    number: str
    customer: str
    open: int
    """Positive when owed."""
    reason: str
    name: str = ""
    """The customer's."""


class CurrencyTotal(Struct, frozen=True, rename={"book": "models"}):
    """What all customers owe in one currency, by each side, in its lowest division."""

    currency: str
    customers: int
    book: int
    api: int
    collected: int = 0
    """Of the API's, what Upflow collected and is not booked yet; negative when it lowers it."""
    control: int | None = None
    """The source's own figure, by `control_totals` or the sum of `control`; None without them."""
    control_sum: int | None = None
    """What the rows of `control` add up to, where `control_totals` says it too."""
    documents: list[OpenDocument] = field(default_factory=list)
    """Those whose amount is the difference between the source's own figure and the models'."""

    @property
    def sides(self) -> list[str]:
        """The pairs of sides that differ, such as `control and models`."""
        return pairs(self.control, self.book, self.api - self.collected)


class DocumentDifference(
    Struct, frozen=True, rename={"book": "models", "book_state": "models_state"}
):
    """One document that is not the same in the models and the API; amounts positive when owed."""

    entity: str
    external_id: str
    book: int
    api: int
    reason: str
    number: str = ""
    """By which people know it: an invoice's number, a payment's reference."""
    book_state: str = ""
    """An invoice's: due, overdue or paid; empty where it is not there, and for others."""
    api_state: str = ""


class Difference(Struct, frozen=True, rename={"book": "models"}):
    """One customer and currency in which the sides differ, in the balance or in a document."""

    customer: str
    currency: str
    book: int
    api: int
    documents: list[DocumentDifference] = field(default_factory=list)
    """Where the models and the API differ."""
    collected: int = 0
    """Of the API's, what Upflow collected and is not booked yet: no part of the difference."""
    name: str = ""
    """The customer's."""
    control: int | None = None
    """The source's own figure; None without the model `control`."""
    pairs: list[str] = field(default_factory=list)
    """The pairs of sides whose balances differ; empty when only documents do."""
    open: list[OpenDocument] = field(default_factory=list)
    """What the models leave open, where the source's own figure is another one."""


class NotBooked(Struct, frozen=True):
    """A payment or refund that Upflow collected and the source does not have yet."""

    entity: str
    id: str
    customer: str
    currency: str
    amount: int
    day: str
    instrument: str
    reference: str
    booked: str
    """The source's record that it may be, sent as new when this one was there; empty if none. It
    then is a difference."""
    name: str = ""
    """The customer's."""


class KindTotal(Struct, frozen=True, rename={"book": "models"}):
    """What settles invoices without cash in one currency, by either side, by its kind."""

    kind: str
    currency: str
    book: int
    api: int


class Statement(Struct, frozen=True):
    """A `balance` that the API states and its own documents do not add up to."""

    customer: str
    currency: str
    documents: int
    stated: int
    name: str = ""


class Ageing(Struct, frozen=True):
    """What is open in one currency by days past due, as one side has it; the sum is the balance."""

    currency: str
    side: str
    """`models` or `API`."""
    not_due: int
    days_30: int
    """1 to 30 days late, and so on."""
    days_60: int
    days_90: int
    older: int
    unapplied: int
    """Payments, credit notes (negative) and refunds that no invoice takes."""


class Reconciled(Struct, frozen=True, kw_only=True):
    """The whole proof."""

    organisation: str
    made_at: str
    customers: int
    documents: int
    balances: int
    """Pairs of customer and currency that were compared."""
    totals: list[CurrencyTotal]
    differences: list[Difference]
    statements: list[Statement]
    collected: list[NotBooked] = field(default_factory=list)
    """The newest first."""
    kinds: list[KindTotal] = field(default_factory=list)
    ageing: list[Ageing] = field(default_factory=list)
    """By the day of the proof, per currency and side."""
    controls: list[str] = field(default_factory=list)
    """Of the models `control` and `control_totals`, those that there are."""
    unread: int = 0
    """Rows of theirs that can't be read."""
    looked_up: int = 0
    """Records that differed in the lists and were read once more by themselves."""
    not_looked_up: int = 0
    """Those for which there were too many: they may differ because the lists moved meanwhile."""

    @property
    def balanced(self) -> bool:
        """Whether all sides agree everywhere, but for what was collected and is not booked yet."""
        return not (
            self.differences
            or self.statements
            or self.unread
            or any(total.sides for total in self.totals)
            or any(t.control_sum not in (None, t.control) for t in self.totals)
        )

    @property
    def proves(self) -> str:
        """What it proves when it is balanced."""
        if self.controls:
            return "the source's own figures, the models' and the API's are the same"
        return "the API holds what the models say"


def pairs(control: int | None, book: int, api: int) -> list[str]:
    """The pairs of sides that differ; `api` is without what was collected and is not booked."""
    sides: Sequence[tuple[str, int | None]] = ((CONTROL, control), (MODELS, book), (API, api))
    return [
        f"{one} and {other}"
        for n, (one, amount) in enumerate(sides)
        for other, its in sides[n + 1 :]
        if amount is not None and amount != its
    ]
