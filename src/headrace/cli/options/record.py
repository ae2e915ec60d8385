"""Options of a command as a record, for commands with more options than a function should have."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

S = TypeVar("S", bound=Struct)


def with_options(kind: type[S]) -> Callable[[Callable[[S], None]], Callable[..., None]]:
    """Turn a function of a record into a command that takes the fields of `kind`, annotated as
    typer requires."""

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
