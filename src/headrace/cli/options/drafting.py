"""Options of `headrace init`: where the source is, and answers given in advance."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct

from headrace.drafting.vocabulary import ROLES
from headrace.model.errors import ConfigurationError


def _answer(help: str) -> Any:
    return typer.Option(help=help, show_default=False)


class DraftingOptions(Struct, frozen=True, kw_only=True):
    """What `init` is told; an answer that is None is asked for, or proposed."""

    where: Annotated[
        str | None,
        typer.Argument(
            help="A database's address, `env:NAME` with one, a SQLite file, or a folder of "
            "exports; none for the API of --system."
        ),
    ] = None
    to: Annotated[Path, typer.Option(help="The project's folder; made if missing.")] = Path()
    name: Annotated[str, typer.Option(help="The organisation's name in the project.")] = "main"
    system: Annotated[
        str | None,
        typer.Option(
            help="Take the models of this system (docs/systems.md), and read its API if there is "
            "no other source. Without it, a system is recognised by its tables; `none` recognises "
            "none."
        ),
    ] = None
    table: Annotated[
        list[str] | None,
        typer.Option(
            help="Which table holds what, as invoices=belege; repeat it.", metavar="WHAT=TABLE"
        ),
    ] = None
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Look only into tables that match, such as bill*; repeat it. Without it, every "
            "table is read, which takes long in a database of hundreds.",
            metavar="PATTERN",
            show_default=False,
        ),
    ] = None
    leave_out: Annotated[
        str | None, _answer("Drafts and cancelled documents: COLUMN=value,value or none.")
    ] = None
    amount: Annotated[str | None, _answer("The column with a document's total.")] = None
    amounts: Annotated[str | None, _answer("major for 12.50, minor for 1250.")] = None
    credit_notes: Annotated[
        str | None, _answer("COLUMN=value of the invoices, negative, a table, or none.")
    ] = None
    links: Annotated[
        str | None, _answer("What links payments to invoices: a table, a column, or none.")
    ] = None
    paid: Annotated[
        str | None, _answer("The column that says that an invoice is settled, or none.")
    ] = None
    currency: Annotated[str | None, _answer("The currency where no column says it.")] = None
    terms: Annotated[
        int, typer.Option(min=0, help="Days until an invoice is due where no column says it.")
    ] = 30
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Take every proposed answer without asking.")
    ] = False
    force: Annotated[bool, typer.Option("--force", help="Write over existing files.")] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the files, and write none.")] = (
        False
    )
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines, nothing else.")] = (
        False
    )

    def roles(self) -> dict[str, str]:
        """Return the table that was named for each role. Raises ConfigurationError."""
        found = {}
        for text in self.table or []:
            role, equals, name = text.partition("=")
            if not equals or role not in ROLES:
                raise ConfigurationError(
                    f"--table {text}: write WHAT=TABLE; WHAT is one of {', '.join(ROLES)}."
                )
            found[role] = name.lower()
        return found

    def looked_into(self, offered: list[str]) -> list[str]:
        """Return the tables of the source that are to be read. Raises ConfigurationError if a
        pattern matches none."""
        if not self.only:
            return offered
        found: set[str] = set()
        for pattern in self.only:
            matching = fnmatch.filter(offered, pattern.lower())
            if not matching:
                raise ConfigurationError(
                    f"--only {pattern}: the source has no such table, only {', '.join(offered)}."
                )
            found.update(matching)
        return sorted(found | set(self.roles().values()) & set(offered))

    def check(self) -> None:
        """Raise ConfigurationError for a value that means nothing."""
        if self.amounts not in (None, "major", "minor"):
            raise ConfigurationError(f"--amounts {self.amounts}: write major or minor.")
        self.roles()
