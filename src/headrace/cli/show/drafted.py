"""What `headrace init` saw, and what came of it, as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from headrace.cli.show.console import console, several
from headrace.cli.show.problems import show_problems
from headrace.drafting.project import Draft
from headrace.drafting.select import UNFINISHED
from headrace.drafting.survey import Survey
from headrace.drafting.trial import Trial
from headrace.model.money import format_money


def show_survey(seen: Survey, roles: Mapping[str, str], offered: int) -> None:
    """Print each table with its rows, its key and its role, and the references between them."""
    held = {name: role for role, name in roles.items()}
    console.print(f"{several(offered, 'table')}, {len(seen.tables):,} with rows")
    for table in seen.tables.values():
        key = f", key {table.key}" if table.key else ""
        role = f" -> {held[table.name]}" if table.name in held else ""
        console.print(f"  {table.name}: {several(table.rows, 'row')}{key}{role}", markup=False)
    for r in seen.references:
        console.print(f"  {r.table}.{r.column} refers to {r.to_table}.{r.to_column}", markup=False)


def show_draft(
    draft: Draft, files: Mapping[str, str], trial: Trial, to: Path, *, written: bool
) -> None:
    """Print what the drafted models make of the source, and what is left to do."""
    console.print()
    if not written:
        for name, text in files.items():
            console.print(f"[bold]{name}[/bold]")
            console.print(text, markup=False)
    for entity, payload in trial.samples.items():
        console.print(f"first {entity.replace('_', ' ')}: {payload}", markup=False)
    records = ", ".join(f"{count:,} {name}" for name, count in trial.records.items())
    console.print(f"models: {records}")
    for one in trial.balances:
        owed = format_money(one.balance, one.currency)
        console.print(f"balance: {owed} owed by {several(one.customers, 'customer')}")
    show_problems(console, trial.problems)
    for name in draft.unfinished():
        console.print(f"models/{name}.sql is not complete: see its `{UNFINISHED}`.", markup=False)
    if written:
        console.print(f"Written to {to}: {', '.join(files)}", markup=False)
        console.print("Next: fill in .env, then `headrace check`, `headrace plan`.", markup=False)
