"""The result of `reconcile` as a value: what it compared, and the differences that it found.

The sides have the same names in JSON as in all output: `control` is the source's own figure,
`models` the figure that the models derive from the source, `api` the API's figure.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

CONTROL, MODELS, API = "control", "models", "API"
"""The three sides: the source's own figures, the models' figures, the API's figures."""


class OpenDocument(Struct, frozen=True):
    """A document of the models that may explain a difference from the source's own figure."""

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
    """The sum of all customers' balances in one currency, by each side, in its lowest division."""

    currency: str
    customers: int
    book: int
    api: int
    collected: int = 0
    """The part of the API's figure that was collected and is not booked yet; negative when it
    lowers the figure."""
    control: int | None = None
    """The source's own figure: `control_totals` or the sum of `control`; None without them."""
    control_sum: int | None = None
    """The sum of the rows of `control` if there is a `control_totals` as well, else None."""
    documents: list[OpenDocument] = field(default_factory=list)
    """Documents whose amount explains a difference between the source's figure and the models'."""

    @property
    def sides(self) -> list[str]:
        """The pairs of sides that differ, such as `control and models`."""
        return pairs(self.control, self.book, self.api - self.collected)


class DocumentDifference(
    Struct, frozen=True, rename={"book": "models", "book_state": "models_state"}
):
    """A document that differs between models and API; amounts are positive when owed."""

    entity: str
    external_id: str
    book: int
    api: int
    reason: str
    number: str = ""
    """Number of an invoice or credit note; reference of a payment or refund."""
    book_state: str = ""
    """State of an invoice in the models: due, overdue or paid. Empty where it is missing, and for
    other entities."""
    api_state: str = ""


class Difference(Struct, frozen=True, rename={"book": "models"}):
    """One customer and currency in which the sides differ, in the balance or in a document."""

    customer: str
    currency: str
    book: int
    api: int
    documents: list[DocumentDifference] = field(default_factory=list)
    """Documents that differ between models and API."""
    collected: int = 0
    """The part of the API's balance that was collected and is not booked yet. It is no
    difference."""
    name: str = ""
    """The customer's."""
    control: int | None = None
    """The source's own figure; None without the model `control`."""
    pairs: list[str] = field(default_factory=list)
    """The pairs of sides whose balances differ; empty when only documents do."""
    open: list[OpenDocument] = field(default_factory=list)
    """Documents that are open in the models, if the source's own figure differs."""


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
    """The source's record that may be the same money and was sent as a new record although this one
    existed. The collected record is then a difference. Empty if there is none."""
    name: str = ""
    """The customer's."""


class KindTotal(Struct, frozen=True, rename={"book": "models"}):
    """The sum of one kind of cashless settlement in one currency, by each side."""

    kind: str
    currency: str
    book: int
    api: int


class Statement(Struct, frozen=True):
    """A `balance` of the API that differs from the sum of the API's own documents."""

    customer: str
    currency: str
    documents: int
    stated: int
    name: str = ""


class Ageing(Struct, frozen=True):
    """Open amounts of one side in one currency by days past due; their sum is the balance."""

    currency: str
    side: str
    """`models` or `API`."""
    not_due: int
    days_30: int
    """1 to 30 days overdue; the following are 31 to 60 and 61 to 90."""
    days_60: int
    days_90: int
    older: int
    unapplied: int
    """Payments and credit notes (negative) and refunds that are not linked to an invoice."""


class Reconciled(Struct, frozen=True, kw_only=True):
    """The result of one reconciliation."""

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
    """Collected records that are not booked yet, the newest first."""
    kinds: list[KindTotal] = field(default_factory=list)
    ageing: list[Ageing] = field(default_factory=list)
    """Open amounts on the day of the reconciliation, per currency and side."""
    controls: list[str] = field(default_factory=list)
    """Those of the models `control` and `control_totals` that the project has."""
    unread: int = 0
    """Number of rows of these models that can't be read."""
    looked_up: int = 0
    """Number of differing records that were read once more by themselves."""
    not_looked_up: int = 0
    """Number of differing records that were too many for that. They may differ only because a list
    changed while it was read."""

    @property
    def balanced(self) -> bool:
        """Whether all sides agree, apart from collected records that are not booked yet."""
        return not (
            self.differences
            or self.statements
            or self.unread
            or any(total.sides for total in self.totals)
            or any(t.control_sum not in (None, t.control) for t in self.totals)
        )

    @property
    def proves(self) -> str:
        """A clause that says what a balanced reconciliation proves."""
        if self.controls:
            return "the source's own figures, the models' and the API's are the same"
        return "the API holds what the models say"


def pairs(control: int | None, book: int, api: int) -> list[str]:
    """Return the pairs of sides that differ; `api` excludes collected, unbooked records."""
    sides: Sequence[tuple[str, int | None]] = ((CONTROL, control), (MODELS, book), (API, api))
    return [
        f"{one} and {other}"
        for n, (one, amount) in enumerate(sides)
        for other, its in sides[n + 1 :]
        if amount is not None and amount != its
    ]
