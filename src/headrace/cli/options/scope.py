"""Which of the changes a plan takes, as options of a command."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec import Struct

from headrace.model.entity import BY_NAME
from headrace.sync.planning.scope import Scope


class ScopeOptions(Struct, frozen=True, kw_only=True):
    """Which of the changes a plan takes."""

    only: Annotated[
        str,
        typer.Option(
            help="Only these entities, such as customers,invoices; their PDFs are included."
        ),
    ] = ""
    customer: Annotated[
        str, typer.Option(help="Only the records of one customer, by its external id.")
    ] = ""
    limit: Annotated[
        int,
        typer.Option(min=0, help="Only that many requests, for a careful first try."),
    ] = 0

    @property
    def scope(self) -> Scope:
        """Return the scope for the planner. Raises BadParameter for an unknown entity."""
        entities = []
        for word in filter(None, (part.strip() for part in self.only.split(","))):
            name = word.removesuffix("s").replace(" ", "_").replace("-", "_")
            if name not in BY_NAME:
                known = ", ".join(entity.plural for entity in BY_NAME.values())
                raise typer.BadParameter(f"{word} must be one of {known}", param_hint="--only")
            entities.append(name)
        return Scope(only=tuple(entities), customer=self.customer, limit=self.limit)
