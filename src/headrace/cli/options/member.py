"""The options of `headrace fleet add`: organisations of the register, one or many."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec import Struct

from headrace.cli.show.console import JsonOption, ProjectOption
from headrace.fleet.project import check_name
from headrace.fleet.register.members import Member
from headrace.fleet.secrets import resolve, seal
from headrace.model.errors import ConfigurationError


class AddOptions(Struct, frozen=True):
    """Options of `headrace fleet add`."""

    name: Annotated[
        str | None, typer.Argument(help="The organisation's name; none with --from.")
    ] = None
    project: ProjectOption = Path()
    template: Annotated[
        str, typer.Option(help="The table [template.NAME] of headrace.toml that it is based on.")
    ] = ""
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=VALUE: fills in {NAME} in the template, and models read it by getvariable; "
            "as often as you like."
        ),
    ] = None
    set: Annotated[
        list[str] | None,
        typer.Option(
            help="SETTING=VALUE of the organisation's table, the value as in TOML or a text, such "
            "as every=15m or source.path=data; as often as you like."
        ),
    ] = None
    key: Annotated[
        str, typer.Option(help="The API's key: env:NAME, file:PATH, command:PROGRAM or sealed:….")
    ] = ""
    secret: Annotated[str, typer.Option(help="The API's secret, in the same ways.")] = ""
    sealed: Annotated[
        bool,
        typer.Option(
            "--seal",
            help="Read the key and the secret now and keep them encrypted in the database, with "
            "the key in HEADRACE_SEALING_KEY.",
        ),
    ] = False
    file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Add all tables [organisation.NAME] of a TOML file; each may name its `template`.",
        ),
    ] = None
    replace: Annotated[
        bool, typer.Option("--replace", help="Change the settings of one that is there.")
    ] = False
    json: JsonOption = False


def given_members(options: AddOptions, folder: Path) -> Iterator[Member]:
    """Return the organisations that the options describe; `folder` is the project's. Raises
    ConfigurationError."""
    own = _own_settings(options, folder)
    if options.file is None:
        if options.name is None:
            raise ConfigurationError("Name the organisation, or a file of many with --from.")
        check_name(options.name, "fleet add")
        yield Member(options.name, options.template, own)
        return
    if options.name is not None or own:
        raise ConfigurationError("--from takes names and settings from the file alone.")
    for name, table in _tables(options.file).items():
        check_name(name, str(options.file))
        yield Member(name, str(table.pop("template", options.template)), table)


def _tables(file: Path) -> dict[str, dict[str, Any]]:
    try:
        read = msgspec.toml.decode(file.read_bytes(), type=dict[str, dict[str, dict[str, Any]]])
    except OSError as error:
        raise ConfigurationError(f"{file} can't be read: {error.strerror}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}.") from None
    if set(read) != {"organisation"}:
        raise ConfigurationError(f"{file} must have tables [organisation.NAME], and only those.")
    return read["organisation"]


def _own_settings(options: AddOptions, folder: Path) -> dict[str, Any]:
    own: dict[str, Any] = {}
    for text in options.set or ():
        path, value = _pair(text, "--set")
        _put(own, path.split("."), _value(value))
    for text in options.parameter or ():
        name, value = _pair(text, "--parameter")
        _put(own, ["parameters", name], _value(value))
    for name in ("key", "secret"):
        reference = getattr(options, name)
        if reference and options.sealed:
            reference = seal(resolve(reference, f"--{name}", folder, os.environ))
        if reference:
            _put(own, ["target", name], reference)
    return own


def _pair(text: str, option: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise ConfigurationError(f"{option} {text!r} must be NAME=VALUE.")
    return name, value


def _value(text: str) -> Any:
    """Return a value as TOML has it; anything that is not TOML is a text."""
    try:
        return msgspec.toml.decode(f"value = {text}")["value"]
    except msgspec.DecodeError:
        return text


def _put(table: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise ConfigurationError(f"--set {'.'.join(path)}: {part} is no table.")
    table[path[-1]] = value
