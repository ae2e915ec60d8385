"""Runs a generator of records in a process of its own, whose libraries the sync never loads.

It reads one task as JSON from standard input, and writes one JSON line per record:
`{"table": ..., "record": {...}}`; of a known system also other messages, see
`headrace.systems.messages`. Its last line is `{"done": true}`, or `{"error": ...}`.
"""

from __future__ import annotations

import datetime
import importlib.util
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, cast
from uuid import UUID

import msgspec

from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.json_text import written_json
from headrace.sources.files.records import shown
from headrace.sources.programs.process import exact_number

_TELLING = str | bytes | int | float | Decimal | datetime.date | datetime.time | UUID | None

Messages = Iterator[dict[str, Any]]
Task = Mapping[str, Any]


def python_records(task: Task) -> Messages:
    """Return what the functions of a user's file yield.

    Its function of a table's name yields mappings. A parameter `since` gets where its table's
    cursor starts, None for everything; any other gets `options`.
    """
    module = _module(Path(task["file"]))
    for name in task["tables"]:
        function = getattr(module, name)
        for record in function(**_arguments(function, task, name)):
            yield _record(name, record)


def python_mark(task: Task) -> Messages:
    """Return what the function `mark` of a user's file says of its contents.

    Raises TypeError for a value that may be the same whatever these are, as that of an object,
    which is where it lies in memory.
    """
    function = _module(Path(task["file"])).mark
    value = function(**_arguments(function, task, "mark"))
    if odd := _odd(value):
        raise TypeError(
            f"mark returned a {odd}: return text, a number or a date, a list or mapping of these, "
            "or None where it is not certain"
        )
    yield {"mark": shown(value)}


def _odd(value: Any) -> str:
    """Return the type of the first value within that does not tell contents apart; else ''."""
    if isinstance(value, Mapping):
        return next(filter(None, map(_odd, [*value, *value.values()])), "")
    if isinstance(value, list | tuple):
        return next(filter(None, map(_odd, value)), "")
    return "" if isinstance(value, _TELLING) else type(value).__name__


def _arguments(function: Callable[..., Any], task: Task, name: str) -> dict[str, Any]:
    """Return what a function of a user's file gets for the parameters that it has."""
    code = function.__code__
    parameters = code.co_varnames[: code.co_argcount]
    others = [one for one in parameters if one != "since"]
    given: dict[str, Any] = dict.fromkeys(others[:1], task["options"])
    if "since" in parameters:
        given["since"] = task["since"].get(name.lower())
    return given


def _record(table: str, record: Any) -> dict[str, Any]:
    return {"table": table, "record": shown(record)}


def system_messages(task: Task) -> Messages:
    """Return what the extraction of a known system says."""
    read: Callable[..., Messages] = _module(Path(task["file"])).read
    return read(task["tables"], task["options"], task["last"], task["now"])


def _module(path: Path) -> ModuleType:
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rest_records(task: Task) -> Messages:
    """Return what dlt's `rest_api` reads by a declaration; `rate` is the requests a minute."""
    rest_api = importlib.import_module("dlt.sources.rest_api")
    declaration = dict(task["declaration"])
    requests = importlib.import_module("dlt.sources.helpers.requests")
    session = requests.Client(raise_for_status=False).session
    pause = 60 / rate if (rate := float(declaration.pop("rate", 0))) else 0.0
    # Below the retries, each of which is a request.
    for adapter in set(session.adapters.values()):
        adapter.send = _careful(adapter.send, pause)
    declaration["client"] = {"session": session} | declaration["client"]
    source = rest_api.rest_api_source(declaration, name="headrace")
    for name in task["tables"]:
        resource = source.resources[name]
        resource.selected = True
        for page in resource:
            for record in page if isinstance(page, list) else [page]:
                yield _record(name, record)


def _careful(send: Callable[..., Any], pause: float) -> Callable[..., Any]:
    """Return `send`, with at least `pause` seconds between the starts of its calls, and answers
    whose JSON keeps all digits of its numbers."""
    wait = threading.Event().wait
    due = 0.0

    def careful(*given: Any, **named: Any) -> Any:
        nonlocal due
        now = SYSTEM_CLOCK.monotonic()
        if now < due:
            wait(due - now)
        due = max(now, due) + pause
        response = send(*given, **named)
        decoded = response.json
        response.json = lambda **said: decoded(**{"parse_float": exact_number} | said)
        return response

    return careful


WORK: dict[str, Callable[[Task], Messages]] = {
    "python": python_records,
    "mark": python_mark,
    "rest": rest_records,
    "system": system_messages,
}


LOADED: dict[str, Sequence[str]] = {
    "rest": ("dlt.sources.rest_api", "dlt.sources.helpers.requests"),
    "system": ("headrace.systems.api_reader", "headrace.systems.oauth"),
}
"""Modules that a kind of worker uses and that take long to load."""


def main() -> None:
    """Do the task on standard input."""
    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # what the user's code prints is not a record
    task = msgspec.json.decode(sys.stdin.buffer.read())
    try:
        for message in WORK[task["kind"]](task):
            out.write(written_json(message) + b"\n")
        out.write(b'{"done": true}\n')
    except BaseException as error:
        out.write(written_json({"error": _words(error, task)}) + b"\n")
    out.flush()


def _words(error: BaseException, task: Task) -> str:
    """Return the error with what helps to find it in a user's own file. An extraction of headrace
    says in its own words what is to be done."""
    if task["kind"] == "system" and type(error) is RuntimeError:
        return str(error)
    return f"{type(error).__name__}: {error}{_place(error, task.get('file'))}"


def _place(error: BaseException, file: str | None) -> str:
    """Return the line of the user's file at which it failed."""
    found = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" ({Path(cast(str, file)).name}, line {found[-1].lineno})" if found else ""


if __name__ == "__main__":
    main()
