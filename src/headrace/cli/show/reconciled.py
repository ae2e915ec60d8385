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
    state = (
        "[bold green]balanced[/bold green]" if proof.balanced else "[bold red]differs[/bold red]"
    )
    console.print(f"{state}  {compared}")
    console.print(table)
    _show_collected(console, proof)
    _show_kinds(console, proof)
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


def _show_collected(console: Console, proof: Reconciled) -> None:
    """What is apart from all differences, with the names to book it by."""
    for total in proof.totals:
        if total.collected:
            console.print(
                f"  {format_money(total.collected, total.currency)} of the API's is collected, not "
                "booked yet: no difference"
            )
    for one in proof.collected[:_SHOWN]:
        doubt = f", may be booked as {one.booked}: a difference" if one.booked else ""
        console.print(
            f"      {one.day} {one.entity} {one.id} of customer {one.customer}: "
            f"{format_money(one.amount, one.currency)} {one.reference}{doubt}",
            markup=False,
        )
    if len(proof.collected) > _SHOWN:
        more = len(proof.collected) - _SHOWN
        console.print(f"      … and {more:,} more (`headrace collected` has all)")


def _show_kinds(console: Console, proof: Reconciled) -> None:
    """What settles invoices without cash, by its kind."""
    for total in proof.kinds:
        console.print(
            f"  {total.kind.replace('_', ' ')}: source {format_money(total.book, total.currency)}, "
            f"API {format_money(total.api, total.currency)}"
        )
