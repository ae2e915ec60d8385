"""A reconciliation as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from headrace.cli.show.console import several
from headrace.model.money import format_money
from headrace.sync.remote.proof import (
    CurrencyTotal,
    Difference,
    DocumentDifference,
    OpenDocument,
    Reconciled,
)

_SHOWN = 20
OWN = "source's own"
"""Heading of the source's own figures, next to `models`, the figures derived from the source."""


def named(id: str, name: str) -> str:
    """Return an id with its name, if that is different: `4711 (Acme & Sons)`."""
    return f"{id} ({name})" if name and name != id else id


def why(sides: Sequence[str]) -> str:
    """Return the pairs of sides that differ as text."""
    return ", ".join(pair.replace("control", OWN).replace(" and ", " ≠ ") for pair in sides)


def show_reconciled(console: Console, proof: Reconciled) -> None:
    """Print `balanced` with the figures, or each difference with its documents."""
    compared = (
        f"{proof.organisation}: {proof.balances:,} balances of {proof.customers:,} customers, "
        f"{proof.documents:,} documents"
    )
    state = (
        "[bold green]balanced[/bold green]" if proof.balanced else "[bold red]differs[/bold red]"
    )
    console.print(f"{state}  {compared}")
    shown = "this proves" if proof.balanced else "this does not prove"
    console.print(f"  {shown} that {proof.proves}")
    _show_totals(console, proof)
    _show_collected(console, proof)
    _show_kinds(console, proof)
    for difference in proof.differences[:_SHOWN]:
        _show_difference(console, difference)
    _say_more(console, len(proof.differences))
    for statement in proof.statements[:_SHOWN]:
        console.print(
            f"  customer {named(statement.customer, statement.name)}: the API states "
            f"{format_money(statement.stated, statement.currency)}, its documents add up to "
            f"{format_money(statement.documents, statement.currency)}",
            markup=False,
        )
    _say_more(console, len(proof.statements))
    if proof.unread:
        console.print(
            f"  {several(proof.unread, 'row')} of {' and '.join(proof.controls)} can't be read: "
            "`headrace check` names them"
        )
    if proof.not_looked_up:
        console.print(
            f"  {several(proof.not_looked_up, 'difference')} not looked up one by one (the first "
            f"{proof.looked_up:,} were): if the API's data changed while it was read, run the "
            "command again"
        )


def _show_totals(console: Console, proof: Reconciled) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    heads = ["customers", *([OWN] if proof.controls else []), "models", "API"]
    for head in heads:
        table.add_column(head, justify="right")
    for total in proof.totals:
        figures = [total.book, total.api]
        money = [format_money(amount, total.currency) for amount in figures]
        if proof.controls:
            money.insert(0, own(total.control, total.currency))
        table.add_row(f"  {total.currency}", f"{total.customers:,}", *money)
    console.print(table)
    for total in proof.totals:
        _show_total(console, total)


def _show_total(console: Console, total: CurrencyTotal) -> None:
    """Print the differences in one currency's totals."""
    currency = total.currency
    if total.control_sum not in (None, total.control):
        console.print(
            f"  {currency}: control adds up to {own(total.control_sum, currency)}, "
            f"control_totals says {own(total.control, currency)}"
        )
    apart_from_own = [pair for pair in total.sides if pair == "control and models"]
    if apart_from_own and total.control is not None:
        apart = format_money(total.control - total.book, currency)
        console.print(f"  {currency}: {why(apart_from_own)}, by {apart}")
    _show_open(console, total.documents, currency, customers=True)


def _show_difference(console: Console, difference: Difference) -> None:
    currency = difference.currency
    start = ""
    if difference.control is not None:
        start = f"{OWN} {format_money(difference.control, currency)}, "
    sides = why(difference.pairs) or "the balance is the same, its documents are not"
    if difference.control is not None or not difference.pairs:
        sides = f"; {sides}"
    else:
        sides = ""
    console.print(
        f"  customer {named(difference.customer, difference.name)}: {start}models "
        f"{format_money(difference.book, currency)}, API "
        f"{format_money(difference.api, currency)}{sides}",
        markup=False,
    )
    for document in difference.documents[:_SHOWN]:
        _show_document(console, document, currency)
    _say_more(console, len(difference.documents), "      ")
    _show_open(console, difference.open, currency)


def _show_document(console: Console, document: DocumentDifference, currency: str) -> None:
    console.print(
        f"      {document.entity.replace('_', ' ')} "
        f"{named(document.external_id, document.number)}: "
        f"{format_money(document.book, currency)} / "
        f"{format_money(document.api, currency)}, {document.reason}",
        markup=False,
    )


def _show_open(
    console: Console, documents: Sequence[OpenDocument], currency: str, customers: bool = False
) -> None:
    """Print the documents that explain a difference from the source's own figure."""
    for document in documents[:_SHOWN]:
        whose = f" of customer {named(document.customer, document.name)}" if customers else ""
        console.print(
            f"      {document.entity.replace('_', ' ')} "
            f"{named(document.external_id, document.number)}{whose}: "
            f"{format_money(document.open, currency)}, {document.reason}",
            markup=False,
        )
    _say_more(console, len(documents), "      ")


def _say_more(console: Console, count: int, indent: str = "  ") -> None:
    if count > _SHOWN:
        console.print(f"{indent}… and {count - _SHOWN:,} more (--json has all)")


def own(amount: int | None, currency: str) -> str:
    """Return the source's own figure, or a dash where there is none."""
    return "–" if amount is None else format_money(amount, currency)


def _show_collected(console: Console, proof: Reconciled) -> None:
    """Print collected money that is not booked yet, with the references to book it."""
    for total in proof.totals:
        if total.collected:
            console.print(
                f"  {format_money(total.collected, total.currency)} of the API's balance is "
                "collected and not booked yet: no difference"
            )
    for one in proof.collected[:_SHOWN]:
        doubt = f", may be booked as {one.booked}: a difference" if one.booked else ""
        console.print(
            f"      {one.day} {one.entity} {one.id} of customer {named(one.customer, one.name)}: "
            f"{format_money(one.amount, one.currency)} {one.reference}{doubt}",
            markup=False,
        )
    if len(proof.collected) > _SHOWN:
        more = len(proof.collected) - _SHOWN
        console.print(f"      … and {more:,} more (`headrace collected` has all)")


def _show_kinds(console: Console, proof: Reconciled) -> None:
    """Print the sums of cashless settlements by kind."""
    for total in proof.kinds:
        kind = "marked as paid" if total.kind == "fix" else total.kind.replace("_", " ")
        console.print(
            f"  settled without cash, {kind}: models {format_money(total.book, total.currency)}, "
            f"API {format_money(total.api, total.currency)}"
        )
