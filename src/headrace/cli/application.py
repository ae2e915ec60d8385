"""The command line: finds the command, runs it, turns errors into a line and an exit code.

A module is loaded only when its command is run or its own help is asked for: what a command loads
is most of what its start takes.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from headrace import __version__
from headrace.cli.commands import COMMANDS
from headrace.cli.disk_trouble import disk_trouble
from headrace.cli.exit_codes import ExitCode, code_of, say_error
from headrace.model.errors import HeadraceError
from headrace.model.private_files import keep_to_the_user

# The base of all errors about flags, from whichever click typer brings along.
_UsageError: Any = typer.BadParameter.__mro__[1]

_HELP = """Brings receivables from any billing or accounting system into Upflow, to the cent.

In a folder with a headrace.toml: `check` what the source gives, look at the `plan`, `apply` it,
`reconcile` the balances, and `run` it all at an interval. `demo` shows the whole way on a packaged
example. `serve` starts the hub, which speaks Upflow's API itself; `conformance` holds any server
against that API.

Exit codes: 0 done, 1 a defect, 2 changes pending (with --detailed-exitcode), 3 problems in the
data, 4 rejected records, 5 the API or the source can't be reached, 6 wrong configuration,
7 refused as unsafe, 8 busy, 9 balances or answers differ, 10 waits for approval, 130 interrupted.
"""


class _Commands(TyperGroup):
    """The commands; Typer itself would end an interrupted one without a word."""

    def invoke(self, context: typer.Context) -> Any:  # type: ignore[override]
        """Run the command that was asked for. Raises Abort when it was interrupted."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            raise typer.Abort from None


def build_app(
    loaded: Collection[str] = tuple(COMMANDS), listed: Collection[str] = tuple(COMMANDS)
) -> typer.Typer:
    """Build the application of the commands `listed`. Of those that are not in `loaded`, only names
    and summaries are known."""
    app = typer.Typer(
        cls=_Commands,
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_root)
    for name in listed:
        if name in loaded:
            _load(app, name)
        else:
            app.command(name, help=COMMANDS[name])(_not_loaded)
    return app


def _load(app: typer.Typer, name: str) -> None:
    module = importlib.import_module(f"headrace.cli.{name}")
    if (group := getattr(module, "app", None)) is not None:
        app.add_typer(group, name=name)
    else:
        app.command(name)(module.command)


def _not_loaded() -> None:
    """Stands in for a command that is listed but not run."""


def _show_version(asked: bool) -> None:
    if asked:
        print(f"headrace {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", is_eager=True, callback=_show_version
    ),
) -> None:
    pass


_root.__doc__ = _HELP


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code and never raises a HeadraceError."""
    keep_to_the_user()
    arguments = arguments or ["--help"]
    for word in arguments:
        if any("\ud800" <= character <= "\udfff" for character in word):
            plain = word.encode(errors="backslashreplace").decode()
            return say_error(f"{plain} is not UTF-8 text", ExitCode.CONFIGURATION, arguments)
    asked = next((word for word in arguments if not word.startswith("-")), "")
    # To know the others as well takes longer than many a command.
    app = build_app({asked}, {asked} if arguments[0] in COMMANDS else tuple(COMMANDS))
    try:
        result = app(list(arguments), prog_name="headrace", standalone_mode=False)
    except typer.Exit as stop:
        return stop.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return say_error("interrupted", ExitCode.INTERRUPTED, arguments)
    except _UsageError as error:
        text = error.format_message()
        if type(error).__name__ == "NoArgsIsHelpError":  # a group without a command
            print(text)
            return ExitCode.DONE
        command = error.ctx.command_path if error.ctx is not None else "headrace"
        return say_error(f"{text} ({command} --help)", ExitCode.CONFIGURATION, arguments)
    except HeadraceError as error:
        return say_error(str(error), code_of(error), arguments)
    except Exception as error:
        if not (trouble := disk_trouble(error)):
            raise
        return say_error(trouble, ExitCode.CONFIGURATION, arguments)
    return int(result) if isinstance(result, int) else ExitCode.DONE
