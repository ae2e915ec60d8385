"""The page of the last reconciliation: the source's own figures, the models' and the API's."""

from __future__ import annotations

from starlette.responses import Response

from headrace.fleet.picture import opened_proof
from headrace.model.money import format_money
from headrace.sync.remote.proof import Difference
from headrace.watching.pages.paging import span_of
from headrace.watching.pages.visit import Visit

_DIFFERENCES = 25
DOCUMENTS = 20
"""Documents shown of each difference."""


def reconciliation(visit: Visit) -> Response:
    """Totals and differences of the last comparison that was kept."""
    name = visit.name
    with opened_proof(visit.project.data_folder(name)) as picture:
        if picture is None:
            return visit.render("reconciliation_missing.html", name=name)
        span = span_of(visit, picture.count, _DIFFERENCES)
        part = span.part(picture.differences(span.offset, _DIFFERENCES))
        proof, balanced = picture.proof, picture.proof.balanced and not picture.count
    return visit.render(
        "reconciliation_page.html",
        name=name,
        result=proof,
        balanced=balanced,
        part=part,
        most=DOCUMENTS,
        own=_own,
        why=_why,
    )


def _own(amount: int | None, currency: str) -> str:
    return "–" if amount is None else format_money(amount, currency)


def _why(difference: Difference) -> str:
    """Return which sides differ, such as `models ≠ API`."""
    sides = [pair.replace("control", "source's own") for pair in difference.pairs]
    if not sides:
        return "the balance is the same, its documents are not"
    return ", ".join(side.replace(" and ", " ≠ ") for side in sides)
