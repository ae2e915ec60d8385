"""`headrace reconcile`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.each import Failures
from headrace.cli.exit_codes import ExitCode
from headrace.cli.interruptible import run_work
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
)
from headrace.cli.show.reconciled import show_reconciled
from headrace.cli.show.reconciliation_files import write_csv, write_html
from headrace.fleet.project import LoadedProject, load_project
from headrace.fleet.proving import prove
from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.remote.proof import Reconciled


def command(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a report for people to this file, one HTML page.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write the differences with their documents to this file.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Prove that the API holds what the models say, per customer and document, to the cent.

    Reads the source again, lists every document that the API has, and prints `balanced` with the
    figures, or each difference with the documents that explain it (exit code 9): balances, open
    amounts, states and due dates. With the models `control` or `control_totals` the source's own
    figures are held against both. What differs is looked up by its id before it is named.

    Example: headrace reconcile --organisation acme --html monday.html
    """
    loaded = load_project(project)
    names = loaded.names(organisation)
    failures = Failures(loaded, names, json)
    proofs = []
    for _, proof in failures.each(lambda name: _prove(loaded, name)):
        proofs.append(proof)
        if not json:
            show_reconciled(console, proof)
    if html is not None:
        write_html(html, proofs)
    if csv is not None:
        write_csv(csv, proofs)
    if json:
        documents = [{"balanced": proof.balanced, "proof": proof} for proof in proofs]
        print_json([*documents, *failures.documents()])
    differing = [proof.organisation for proof in proofs if not proof.balanced]
    failures.sum_up("balanced", [("with differences", differing)])
    failures.exit([ExitCode.DIFFERS] if differing else [])


def _prove(loaded: LoadedProject, name: str) -> Reconciled:
    return run_work(prove(loaded, name, SYSTEM_CLOCK))
