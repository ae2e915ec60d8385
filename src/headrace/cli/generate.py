"""`headrace generate`: a made-up billing database to try things with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headrace.model.errors import ConfigurationError
from headrace.testkit.billing import generate, write_project


def command(
    to: Annotated[str, typer.Option(help="A new SQLite file, or a database URL.")],
    records: Annotated[int, typer.Option(min=1, help="About how many records.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same content.")] = 1,
    project: Annotated[
        Path | None, typer.Option(help="Also write a project folder that reads it.")
    ] = None,
    pdfs: Annotated[Path | None, typer.Option(help="Also write a small PDF of each bill.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a project.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output only.")] = False,
) -> None:
    """Make up a billing database: customers, invoices, payments and all that happens to them.

    For trying headrace out and for measuring it, without anybody's real data. Records are
    customers, invoices, credit notes, payments and refunds, in five currencies over three years.
    The database can be a new SQLite file, PostgreSQL, or whatever SQLAlchemy knows if installed.

    Example: headrace generate --records 20000 --to billing.db --project demo
    """
    if project is not None and (project / "headrace.toml").exists() and not force:
        raise ConfigurationError(
            f"{project / 'headrace.toml'} exists: choose another folder with --project, or write "
            "over it and its models with --force."
        )
    counts = generate(to, records=records, seed=seed, pdf_folder=pdfs)
    if project is not None:
        write_project(project, to, pdf_folder=pdfs)
    figures = msgspec.to_builtins(counts) | {"requests": counts.requests}
    if json:
        typer.echo(msgspec.json.encode(figures).decode())
        return
    for name, number in figures.items():
        typer.echo(f"{number:>12,}  {name.replace('_', ' ')}")
    if project is not None:
        typer.echo(
            f"Now set HEADRACE_URL, HEADRACE_KEY and HEADRACE_SECRET to a hub's (headrace serve, "
            f"headrace keys create), then: headrace plan --project {project}"
        )
