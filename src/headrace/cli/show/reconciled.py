"""A reconciliation as text for a person."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from headrace.model.money import format_money
from headrace.sync.reconcile import Reconciled

_SHOWN = 20


def show_reconciled(console: Console, proof: Reconciled) -> None:
    """`balanced` with the figures, or each difference with the documents that explain it."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("customers", justify="right")
    table.add_column("source", justify="right")
    table.add_column("API", justify="right")
    for total in proof.totals:
        table.add_row(
            f"  {total.currency}",
            f"{total.customers:,}",
            format_money(total.book, total.currency),
            format_money(total.api, total.currency),
        )
    compared = (
        f"{proof.organisation}: {proof.balances:,} balances of {proof.customers:,} customers, "
        f"{proof.documents:,} documents"
    )
    if proof.balanced:
        console.print(f"[bold green]balanced[/bold green]  {compared}")
        console.print(table)
        return
    console.print(f"[bold red]differs[/bold red]  {compared}")
    console.print(table)
    for difference in proof.differences[:_SHOWN]:
        currency = difference.currency
        console.print(
            f"  customer {difference.customer}: source {format_money(difference.book, currency)}, "
            f"API {format_money(difference.api, currency)}",
            markup=False,
        )
        for document in difference.documents[:_SHOWN]:
            console.print(
                f"      {document.entity} {document.external_id}: "
                f"{format_money(document.book, currency)} / "
                f"{format_money(document.api, currency)}, {document.reason}",
                markup=False,
            )
    if len(proof.differences) > _SHOWN:
        console.print(f"  … and {len(proof.differences) - _SHOWN:,} more (--json has all)")
    for statement in proof.statements[:_SHOWN]:
        console.print(
            f"  customer {statement.customer}: the API states "
            f"{format_money(statement.stated, statement.currency)}, its documents add up to "
            f"{format_money(statement.documents, statement.currency)}",
            markup=False,
        )
