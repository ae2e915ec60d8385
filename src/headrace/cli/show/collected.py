"""Collected money for a person: as a table, and as a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from rich.table import Table

from headrace.model.errors import ConfigurationError
from headrace.model.money import EXPONENTS, format_money
from headrace.sync.collected import Collected

_COLUMNS = (
    "organisation", "entity", "id", "customer", "customer_name", "currency", "amount", "day",
    "instrument", "reference", "links", "created_at",
)  # fmt: skip


def collected_table(collected: Sequence[Collected]) -> Table:
    """The newest first."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("day", no_wrap=True)
    table.add_column("customer")
    table.add_column("amount", justify="right", no_wrap=True)
    for name in ("by", "reference", "for"):
        table.add_column(name)
    table.add_column("id", no_wrap=True)
    for one in collected:
        sign = "back " if one.entity == "refund" else ""
        table.add_row(
            one.day,
            " ".join(part for part in (one.customer or one.customer_id, one.customer_name) if part),
            sign + format_money(one.amount, one.currency),
            one.instrument,
            one.reference,
            _links(one),
            one.id,
        )
    return table


def _links(one: Collected) -> str:
    return ", ".join(link.external_id or link.id for link in one.links)


def write_collected(path: Path, found: Mapping[str, Sequence[Collected]]) -> None:
    """A row for each, amounts as plain decimals. ConfigurationError when it can't be written."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            for organisation, collected in found.items():
                for one in collected:
                    exponent = EXPONENTS.get(one.currency, 2)
                    writer.writerow(
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
