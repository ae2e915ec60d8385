"""A reconciliation as files: CSV for a spreadsheet, one HTML page to read or archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from headrace.cli.show.reconciled import named, own, why
from headrace.model.csv_text import CsvTable
from headrace.model.errors import ConfigurationError
from headrace.model.money import EXPONENTS, format_money
from headrace.pages.templates import environment
from headrace.sync.remote.proof import CurrencyTotal, Difference, OpenDocument, Reconciled

_COLUMNS = (
    "organisation", "customer", "customer_name", "currency", "control", "models", "api",
    "difference", "entity", "document", "number", "document_models", "document_api",
    "state_models", "state_api", "reason",
)  # fmt: skip


def write_csv(path: Path, proofs: Sequence[Reconciled]) -> None:
    """Write a row per document that explains a difference, with amounts as plain decimals.

    The column `control` has the source's own figure, if there is one; `difference` is the models'
    figure minus the API's. Raises ConfigurationError when the file can't be written.
    """
    with _open(path) as file:
        table = CsvTable(file, _COLUMNS)
        for proof in proofs:
            for difference in proof.differences:
                table.add_all(_rows(proof.organisation, difference))
            for total in proof.totals:
                if total.sides and total.documents:
                    table.add_all(_total_rows(proof.organisation, total))


def _rows(organisation: str, difference: Difference) -> Iterator[list[str]]:
    currency = difference.currency
    # Collected money that is not booked yet is no part of the difference.
    apart = difference.book - difference.api + difference.collected
    start = [
        organisation,
        difference.customer,
        difference.name,
        currency,
        *(
            _decimal(amount, currency)
            for amount in (difference.control, difference.book, difference.api, apart)
        ),
    ]
    for document in difference.documents:
        yield [
            *start,
            document.entity,
            document.external_id,
            document.number,
            _decimal(document.book, currency),
            _decimal(document.api, currency),
            document.book_state,
            document.api_state,
            document.reason,
        ]
    for one in difference.open:
        yield [*start, *_open_cells(one, currency)]
    if not difference.documents and not difference.open:
        yield [*start, *[""] * 8]


def _total_rows(organisation: str, total: CurrencyTotal) -> Iterator[list[str]]:
    """Yield the documents that explain a currency's total.

    They appear if the source has its own figure for the total only, not for single customers.
    """
    currency = total.currency
    for one in total.documents:
        start = [organisation, one.customer, one.name, currency, *[""] * 4]
        yield [*start, *_open_cells(one, currency)]


def _open_cells(one: OpenDocument, currency: str) -> list[str]:
    amount = _decimal(one.open, currency)
    return [one.entity, one.external_id, one.number, amount, "", "", "", one.reason]


def write_html(path: Path, proofs: Sequence[Reconciled]) -> None:
    """Write one self-contained page with totals, differences, and ageing on both sides.

    Raises ConfigurationError when the file can't be written.
    """
    pages = environment("headrace.cli.show")
    pages.filters["money"] = lambda amount, currency: format_money(amount, currency)
    pages.filters["why"] = why
    pages.globals.update(named=named, own=own)
    page = pages.get_template("reconciliation.html").render(proofs=proofs)
    with _open(path) as file:
        file.write(page)


@contextmanager
def _open(path: Path) -> Iterator[TextIO]:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}.") from None


def _decimal(amount: int | None, currency: str) -> str:
    if amount is None:
        return ""
    exponent = EXPONENTS.get(currency, 2)
    return f"{Decimal(amount).scaleb(-exponent):.{exponent}f}"
