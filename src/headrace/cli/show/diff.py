"""A plan's changes by customer, for readers from finance."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console

from headrace.cli.show.plans import show_plan
from headrace.sync.planning.change_texts import change_lines
from headrace.sync.planning.name_texts import record_text
from headrace.sync.planning.plan import Plan


def show_diff(console: Console, plan: Plan) -> None:
    """Print every change below its customer, then the plan without its changes."""
    changes = sorted(plan.changes, key=lambda change: change.customer)
    for customer, grouped in groupby(changes, key=lambda change: change.customer):
        own = list(grouped)
        name = next((change.customer_name for change in own if change.customer_name), "")
        console.print("[bold]Customer[/bold]", end="")
        console.print(record_text("", customer, name), markup=False)
        for change in own:
            for line in change_lines(change, whose=False):
                console.print(f"  {line}", markup=False)
    show_plan(console, plan, changes=False)
