"""Any Singer tap as a source: a program in its own environment, or its messages in a file.

Each round runs the tap from the beginning, unless `state` is said: then the tap goes on where it
stopped, its records are kept in that folder, and after `sweep` hours everything is read again.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import msgspec

from headrace.model.clock import parse_interval
from headrace.model.errors import ConfigurationError, SourceError
from headrace.model.json_text import written_json
from headrace.model.source_settings import Settings
from headrace.sources.address import secrets_in
from headrace.sources.programs.process import decoded, messages
from headrace.sources.source import check_offered, count_rows, scratch_folder
from headrace.sources.taps.catalog import TapCatalog
from headrace.sources.taps.messages import Streams, stream_of
from headrace.sources.taps.state import TapState

_standard_input: list[bytes] = []
"""The messages on standard input, which can be read once."""


class TapOptions(Settings, frozen=True):
    """The table `source.options` with kind = "singer"."""

    command: str | list[str] = []
    config: str | dict[str, Any] = {}
    """The tap's configuration, or the name of its own file."""
    catalog: str = ""
    """A file with the catalog; empty to ask the tap."""
    state: str = ""
    """The folder in which the state and the records are kept; empty for none."""
    sweep: float | str = 24.0
    """Hours, or an interval such as `1d`."""

    def __post_init__(self) -> None:
        try:
            possible = self.sweep_s >= 0
        except ValueError as error:
            raise ValueError(f"sweep: {error}") from None
        if not possible:
            raise ValueError("sweep: it is after 0 hours or more")

    @property
    def sweep_s(self) -> float:
        """Return `sweep` in seconds. Raises ValueError."""
        if isinstance(self.sweep, str):
            return parse_interval(self.sweep).total_seconds()
        return self.sweep * 3600

    @property
    def place(self) -> str:
        """Tells the records of these options from those of others, such as another account's."""
        own = [self.command, self.config, self.catalog]
        return hashlib.blake2b(msgspec.json.encode(own, order="sorted"), digest_size=16).hexdigest()


def _parsed(options: dict[str, Any]) -> TapOptions:
    try:
        return msgspec.convert(options, TapOptions)
    except msgspec.ValidationError as error:
        words = str(error)
        if "unknown field" in words:
            known = ", ".join(TapOptions.__struct_fields__)
            words = f"there is no option {words.split('`')[1]}; there is {known}"
        words, _, place = words.partition(" - at `$.")
        where = f".{place.rstrip('`')}" if place else ""
        raise ConfigurationError(f'source.options{where} with kind = "singer": {words}.') from None


class SingerSource:
    """The streams of one tap; or those in `path`, a file of messages, `-` for standard input."""

    def __init__(self, folder: Path, path: str, options: dict[str, Any]) -> None:
        self._options = _parsed(options)
        command = self._options.command
        self._command = [command] if isinstance(command, str) and command else list(command)
        if bool(self._command) == bool(path):
            raise ConfigurationError(
                'source.kind "singer" needs options = { command = ["tap"] }, or path = a file of '
                'messages, "-" for standard input.'
            )
        self._folder = folder
        self._path = path
        self._what = path or self._command[0]
        self._secrets = secrets_in(options)

    def tables(self) -> frozenset[str]:
        return frozenset(self._streams)

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        check_offered(names, self._streams, self._what)
        connection.execute("create schema if not exists source")
        if not names:
            return {}
        with self._place(connection) as folder:
            streams = Streams(folder)
            try:
                self._read(streams, folder, set(names))
                for name in names:
                    streams.stage(connection, name)
            finally:
                streams.close()
        return {name: count_rows(connection, name) for name in names}

    def mark(self, now: float) -> str | None:
        return None  # only the tap knows whether its system has changed

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""

    @cached_property
    def _streams(self) -> dict[str, str]:
        """The streams by lower-case name."""
        if self._path:
            names = {stream_of(m) for m in self._given() if m.get("type") == "SCHEMA"}
        else:
            names = self._catalog.names
        return {name.lower(): name for name in sorted(names)}

    def _given(self) -> Iterator[dict[str, Any]]:
        """Return the messages of the file, or of standard input."""
        if self._path == "-":
            if not _standard_input:
                _standard_input.append(sys.stdin.buffer.read())
            return decoded("standard input", _standard_input[0].splitlines())
        try:
            return decoded(self._path, (self._folder / self._path).read_bytes().splitlines())
        except OSError as error:
            raise SourceError(f"{self._path} can't be read: {error.strerror}.") from None

    @cached_property
    def _catalog(self) -> TapCatalog:
        """The catalog of the options, or the one that the tap discovers."""
        named = self._options.catalog
        if named:
            try:
                return TapCatalog(named, json.loads((self._folder / named).read_bytes()))
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or error
                raise SourceError(f"{named} is no catalog: {why}.") from None
        with TemporaryDirectory(prefix="headrace-tap-") as folder:
            said = self._run(Path(folder), ["--discover"], whole=True)
            found = [message for message in said if "streams" in message]
        if not found:
            raise SourceError(f"{self._what} --discover gave no catalog.")
        return TapCatalog(f"What {self._what} --discover gives", found[0])

    def _read(self, streams: Streams, folder: Path, wanted: set[str]) -> None:
        if self._path:
            streams.read(m for m in self._given() if str(m.get("stream", "")).lower() in wanted)
            return
        catalog = folder / "catalog.json"
        catalog.write_bytes(msgspec.json.encode(self._catalog.selected(wanted)))
        state, schemas = folder / "state.json", folder / "schemas.jsonl"
        given = ["--catalog", str(catalog)] + (["--state", str(state)] if state.exists() else [])
        if state.exists():
            streams.read(decoded(self._what, schemas.read_bytes().splitlines()))
        streams.read(self._run(folder, given))
        if streams.state is not None and self._options.state:
            schemas.write_bytes(b"".join(written_json(m) + b"\n" for m in streams.said.values()))
            state.write_bytes(written_json(streams.state))

    def _run(
        self, folder: Path, arguments: list[str], whole: bool = False
    ) -> Iterator[dict[str, Any]]:
        given = self._options.config
        if isinstance(given, str):  # the tap's own, where it may write a token that was renewed
            config = self._folder / given
        else:
            config = folder / "config.json"
            config.touch(mode=0o600)
            config.write_bytes(msgspec.json.encode(given))
        program = self._command[0]
        if "/" in program:
            program = str(self._folder / program)
        command = [program, *self._command[1:], "--config", str(config), *arguments]
        return messages(self._what, command, b"", self._secrets, folder=self._folder, whole=whole)

    @contextmanager
    def _place(self, connection: duckdb.DuckDBPyConnection) -> Iterator[Path]:
        """Yield the folder of the records: a copy of the kept one, if `state` is said."""
        scratch = scratch_folder(connection)
        options = self._options
        if not options.state:
            with TemporaryDirectory(prefix="headrace-tap-", dir=scratch) as temporary:
                yield Path(temporary)
            return
        kept = TapState(self._folder / options.state, options.place, options.sweep_s)
        with kept.continued(scratch) as folder:
            yield folder
