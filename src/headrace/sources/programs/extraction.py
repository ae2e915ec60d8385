"""A known system by its API: the extraction that headrace ships for it, in a process of its own.

The system's folder has `extraction.py`, whose function `read` yields messages (see
`headrace.systems.messages`), and `extraction.toml`, which says what it needs and reads. Queries
that the system's models need run here over the tables that were read, as they run in the system's
own database where there is access to that.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import msgspec
from msgspec import Struct

from headrace.model.clock import SYSTEM_CLOCK, Clock, parse_interval
from headrace.model.errors import ConfigurationError, SourceError
from headrace.sources.address import secrets_in
from headrace.sources.files.json_files import stage_json
from headrace.sources.files.records import RecordFiles
from headrace.sources.programs.kept_records import KeptRecords, column_types
from headrace.sources.programs.worker_messages import worker_messages
from headrace.sources.source import (
    check_offered,
    count_rows,
    literal,
    quoted,
    scratch_folder,
    staged,
)

_SWEEP = "1d"
_ALWAYS = ("rate", "sweep")
"""Options of every extraction."""
_ROTATING = ("refresh_token", "auth_file")
"""Options that do not tell one account from another."""


class Extraction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file `extraction.toml`."""

    needs: list[str] = []
    """Options that must be given."""
    takes: list[str] = []
    """Options that may be given, besides those of every extraction."""
    keeps_tokens: bool = False
    """Whether it keeps tokens in a file, which the option `auth_file` names."""
    tables: dict[str, dict[str, str]]
    """Columns with DuckDB's types, by table; none where records have whatever columns they have."""
    keys: dict[str, str] = {}
    """The column that identifies a record, where it is not `id`."""


def needed_options(folder: Path) -> list[str]:
    """Return the options that the extraction in a folder needs."""
    return _plan_of(folder).needs


def possible_options(folder: Path) -> list[str]:
    """Return the options that the extraction in a folder takes besides those that it needs."""
    return _plan_of(folder).takes


def with_token_file(folder: Path, options: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """Return the options with this file for the tokens of an extraction that keeps them, unless
    they name another one."""
    if _plan_of(folder).keeps_tokens:
        return {"auth_file": str(file), **options}
    return dict(options)


def _plan_of(folder: Path) -> Extraction:
    return msgspec.toml.decode((folder / "extraction.toml").read_bytes(), type=Extraction)


def _check_names(system: str, plan: Extraction, options: Mapping[str, Any]) -> None:
    file = ("auth_file",) if plan.keeps_tokens else ()
    known = list(dict.fromkeys([*plan.needs, *plan.takes, *file, *_ALWAYS]))
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(known)}."
            raise ConfigurationError(
                f'source.options of kind = "system:{system}" has no option {name}: {hint}'
            )


def _check_values(system: str, options: Mapping[str, Any]) -> None:
    where = f'of kind = "system:{system}"'
    rate = str(options.get("rate", 0))
    if not rate.isdecimal():
        raise ConfigurationError(
            f"source.options.rate {where} must be a whole number of requests a minute, not {rate}."
        )
    try:
        parse_interval(str(options.get("sweep", _SWEEP)))
    except ValueError as error:
        raise ConfigurationError(f"source.options.sweep {where}: {error}.") from None
    for name in ("url", "auth_url"):
        if name in options and not str(options[name]).startswith(("https://", "http://")):
            raise ConfigurationError(f"source.options.{name} {where} must start with https://.")


class ExtractionSource:
    """The tables of one system, read by its API, and queries over them."""

    def __init__(
        self,
        folder: Path,
        options: dict[str, Any],
        queries: Mapping[str, str],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._plan = _plan_of(folder)
        missing = [name for name in self._plan.needs if not options.get(name)]
        if missing:
            raise ConfigurationError(
                f'source.options of kind = "system:{folder.name}" needs {", ".join(missing)}.'
            )
        _check_names(folder.name, self._plan, options)
        _check_values(folder.name, options)
        self._what = folder.name
        self._folder = folder
        self._options = options
        self._queries = queries
        self._clock = clock
        self._sweep_s = parse_interval(str(options.get("sweep", _SWEEP))).total_seconds()

    def tables(self) -> frozenset[str]:
        return frozenset(self._plan.tables) | frozenset(self._queries)

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        check_offered(names, self.tables(), self._what)
        connection.execute("create schema if not exists source")
        if not names:
            return {}
        read = {name: self._reads(connection, name) for name in names}
        raw = sorted(frozenset().union(*read.values()))
        kept = KeptRecords(connection, self._place())
        with TemporaryDirectory(prefix="headrace-api-", dir=scratch_folder(connection)) as folder:
            self._update(kept, raw, Path(folder))
            made = {name: self._load(connection, kept, name, Path(folder)) for name in raw}
            for name in names:
                tables = ", ".join(f"{quoted(one)} as (from {made[one]})" for one in read[name])
                rows = self._queries.get(name) or f"from {quoted(name)}"
                if made.get(name) != staged(name):
                    connection.execute(
                        f"create or replace table {staged(name)} as "
                        f"with {tables} select * from ({rows.strip().rstrip(';')}\n)"
                    )
            for table in made.values():
                if not table.startswith("source."):
                    connection.execute(f"drop table {table}")
        return {name: count_rows(connection, name) for name in names}

    def mark(self, now: float) -> str | None:
        return None  # whether something has changed is asked by reading

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""

    def _reads(self, connection: duckdb.DuckDBPyConnection, name: str) -> set[str]:
        """Return the system's own tables that a table is made of."""
        if name not in self._queries:
            return {name}
        found = connection.get_table_names(self._queries[name], qualified=False)
        check_offered(found, self._plan.tables, self._what)
        return set(found)

    def _place(self) -> str:
        """Return what tells this account from others; it does not show any secret."""
        lasting = {key: one for key, one in self._options.items() if key not in _ROTATING}
        said = msgspec.json.encode([self._what, lasting], order="sorted")
        return f"{self._what} {hashlib.blake2b(said, digest_size=16).hexdigest()}"

    def _update(self, kept: KeptRecords, raw: list[str], folder: Path) -> None:
        """Bring the kept records up to date; nothing of them changes if that fails."""
        now = self._clock.now().timestamp()
        last = kept.since(raw, now, self._sweep_s)
        files, left = RecordFiles(folder), _Left()
        try:
            for message in self._said(raw, last, now):
                left.take(message)
                if "record" in message:
                    files.add(message["table"], [message["record"]])
            paths = {name: files.written(name) for name in raw}
        finally:
            files.close()
        with kept.changing():
            if whole := last is None or left.whole:
                kept.replace(raw)
            for name, starts in left.parts.items():
                kept.drop_parts(name, starts)
            for name, path in paths.items():
                if path is not None:
                    kept.put(name, self._plan.keys.get(name, "id"), path)
            for name, keys in left.gone.items():
                kept.drop(name, keys)
            for name, keys in left.only.items():
                kept.drop(name, keys, others=True)
            kept.note(raw, left.since, now if whole else None)

    def _said(self, raw: list[str], last: Any, now: float) -> Iterator[dict[str, Any]]:
        task = {
            "kind": "system",
            "file": str(self._folder / "extraction.py"),
            "tables": {name: list(self._plan.tables[name]) for name in raw},
            "options": self._options,
            "last": last,
            "now": now,
        }
        return worker_messages(self._what, task, secrets_in(self._options))

    def _load(
        self, connection: duckdb.DuckDBPyConnection, kept: KeptRecords, name: str, folder: Path
    ) -> str:
        """Make a table of the kept records; returns its quoted name."""
        file = folder / f"{name.encode().hex()}.kept.jsonl"
        kept.write(name, file)
        columns = self._plan.tables[name]
        try:
            if not columns:
                stage_json(connection, name, [file])
                return staged(name)
            table = quoted(f"read {name}")
            connection.execute(
                f"create or replace temp table {table} as select * from read_json("
                f"{literal(str(file))}, format = 'newline_delimited', "
                f"columns = {column_types(columns)}, maximum_object_size = 67108864)"
            )
        except duckdb.Error as error:
            words = str(error).split("\n")[0]
            raise SourceError(f"{self._what}, table {name}: {words}.") from None
        return table


class _Left:
    """What an extraction said besides records."""

    def __init__(self) -> None:
        self.gone: dict[str, list[str]] = {}
        self.only: dict[str, list[str]] = {}
        self.parts: dict[str, list[str]] = {}
        self.since: Any = None
        self.whole = False

    def take(self, message: Mapping[str, Any]) -> None:
        """Take a message."""
        if "gone" in message:
            self.gone.setdefault(message["table"], []).append(message["gone"])
        elif "only" in message:
            self.only.setdefault(message["table"], []).extend(message["only"])
        elif "parts" in message:
            self.parts.setdefault(message["table"], []).append(message["parts"])
        elif "whole" in message:
            self.whole = True
        elif "since" in message:
            self.since = message["since"]
