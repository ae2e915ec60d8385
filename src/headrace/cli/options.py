"""Options of a command as a record: for commands with more of them than a function should take,
and for options that several commands share."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from msgspec import Struct

from headrace.model.entity import BY_NAME
from headrace.sync.scope import Scope

S = TypeVar("S", bound=Struct)


class ScopeOptions(Struct, frozen=True, kw_only=True):
    """Which of the changes a plan takes."""

    only: Annotated[
        str,
        typer.Option(help="These entities alone, such as customers,invoices; PDFs go with them."),
    ] = ""
    customer: Annotated[
        str, typer.Option(help="The records of one customer alone, by its external id.")
    ] = ""
    limit: Annotated[
        int,
        typer.Option(min=0, help="The first so many requests alone, for a careful first try."),
    ] = 0

    @property
    def scope(self) -> Scope:
        """The same as the plan takes it. BadParameter for an entity that does not exist."""
        entities = []
        for word in filter(None, (part.strip() for part in self.only.split(","))):
            name = word.removesuffix("s").replace(" ", "_").replace("-", "_")
            if name not in BY_NAME:
                known = ", ".join(entity.plural for entity in BY_NAME.values())
                raise typer.BadParameter(f"{word} is none of {known}", param_hint="--only")
            entities.append(name)
        return Scope(only=tuple(entities), customer=self.customer, limit=self.limit)


def with_options(kind: type[S]) -> Callable[[Callable[[S], None]], Callable[..., None]]:
    """Makes a command that takes the fields of `kind`, annotated as typer wants parameters."""

    def made(run: Callable[[S], None]) -> Callable[..., None]:
        def command(**given: Any) -> None:
            run(kind(**given))

        hints = typing.get_type_hints(kind, include_extras=True)
        command.__doc__ = run.__doc__
        command.__annotations__ = {name: hints[name] for name in kind.__struct_fields__}
        command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(
                    field.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=inspect.Parameter.empty if field.required else field.default,
                    annotation=hints[field.name],
                )
                for field in msgspec.structs.fields(kind)
            ]
        )
        return command

    return made
