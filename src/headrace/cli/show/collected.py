"""Collected records as a table on the terminal, and as a CSV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from headrace.model.csv_text import CsvTable
from headrace.model.errors import ConfigurationError
from headrace.model.money import EXPONENTS, format_money
from headrace.sync.collection.collected import Collected

_COLUMNS = (
    "organisation", "entity", "id", "customer", "customer_name", "currency", "amount", "day",
    "instrument", "reference", "links", "created_at",
)  # fmt: skip


def show_collected(console: Console, collected: Sequence[Collected]) -> None:
    """Print a table, the newest record first.

    Lines are not fitted to the terminal's width, so that ids can be copied.
    """
    rows = [("day", "amount", "customer", "by", "reference", "for", "id")]
    rows += [
        (
            one.day,
            ("back " if one.entity == "refund" else "") + format_money(one.amount, one.currency),
            " ".join(part for part in (one.customer or one.customer_id, one.customer_name) if part),
            one.instrument,
            one.reference,
            _links(one),
            one.id,
        )
        for one in collected
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        padded = (
            text.rjust(width) if place == 1 else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        console.print("  " + "  ".join(padded).rstrip(), markup=False)


def _links(one: Collected) -> str:
    return ", ".join(link.external_id or link.id for link in one.links)


def write_collected(path: Path, found: Mapping[str, Sequence[Collected]]) -> None:
    """Write a CSV file, with amounts as plain decimals.

    Raises ConfigurationError when it can't be written.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            table = CsvTable(file, _COLUMNS)
            for organisation, collected in found.items():
                for one in collected:
                    exponent = EXPONENTS.get(one.currency, 2)
                    table.add(
                        [
                            organisation,
                            one.entity,
                            one.id,
                            one.customer,
                            one.customer_name,
                            one.currency,
                            f"{Decimal(one.amount).scaleb(-exponent):.{exponent}f}",
                            one.day,
                            one.instrument,
                            one.reference,
                            _links(one),
                            one.created_at,
                        ]
                    )
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}.") from None
