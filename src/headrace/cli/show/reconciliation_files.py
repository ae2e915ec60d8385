"""A reconciliation as files: CSV for a spreadsheet, one HTML page for a person or an archive."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import TextIO

import jinja2

from headrace.model.errors import ConfigurationError
from headrace.model.money import EXPONENTS, format_money
from headrace.sync.reconcile import Reconciled

_COLUMNS = (
    "organisation", "customer", "currency", "source", "api", "difference",
    "entity", "document", "document_source", "document_api", "reason",
)  # fmt: skip


def write_csv(path: Path, proofs: Sequence[Reconciled]) -> None:
    """A row per document that explains a difference, amounts as plain decimals.

    ConfigurationError when the file can't be written.
    """
    with _open(path) as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for proof in proofs:
            for difference in proof.differences:
                currency = difference.currency
                # What is collected and not booked yet is no part of the difference.
                apart = difference.book - difference.api + difference.collected
                amounts = (difference.book, difference.api, apart)
                start = [proof.organisation, difference.customer, currency]
                start += [_decimal(amount, currency) for amount in amounts]
                for document in difference.documents:
                    writer.writerow(
                        [
                            *start,
                            document.entity,
                            document.external_id,
                            _decimal(document.book, currency),
                            _decimal(document.api, currency),
                            document.reason,
                        ]
                    )
                if not difference.documents:
                    writer.writerow([*start, *[""] * 5])


def write_html(path: Path, proofs: Sequence[Reconciled]) -> None:
    """One page that needs nothing else: totals, differences, ageing on both sides."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["money"] = lambda amount, currency: format_money(amount, currency)
    text = resources.files("headrace.cli.show").joinpath("reconciliation.html").read_text("utf-8")
    page = environment.from_string(text).render(proofs=proofs)
    with _open(path) as file:
        file.write(page)


def _open(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}.") from None


def _decimal(amount: int, currency: str) -> str:
    exponent = EXPONENTS.get(currency, 2)
    return f"{Decimal(amount).scaleb(-exponent):.{exponent}f}"
