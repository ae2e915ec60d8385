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
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import msgspec

from headrace.model.errors import ConfigurationError, SourceError
from headrace.sources.address import secrets_in
from headrace.sources.process import decoded, messages
from headrace.sources.singer_messages import Streams
from headrace.sources.source import check_offered, count_rows, scratch_folder
from headrace.sources.tap_state import TapState

_SWEEP_H = 24
_standard_input: list[bytes] = []
"""The messages on standard input, which can be read once."""


class SingerSource:
    """The streams of one tap. Options: `command`, `config`, `catalog`, `state`, `sweep`; or
    `path`, a file of messages, `-` for standard input."""

    def __init__(self, folder: Path, path: str, options: dict[str, Any]) -> None:
        command = options.get("command", [])
        self._command = [command] if isinstance(command, str) else [str(part) for part in command]
        if bool(self._command) == bool(path):
            raise ConfigurationError(
                'source.kind "singer" needs options = { command = ["tap"] }, or path = a file of '
                'messages, "-" for standard input.'
            )
        self._folder = folder
        self._path = path
        self._options = options
        self._what = path or self._command[0]
        self._secrets = secrets_in(options)

    def tables(self) -> frozenset[str]:
        return frozenset(self._streams())

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        check_offered(names, self._streams(), self._what)
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

    def _streams(self) -> dict[str, str]:
        """Return the streams by lower-case name."""
        if self._path:
            names = {str(m["stream"]) for m in self._given() if m.get("type") == "SCHEMA"}
        else:
            names = {str(stream["tap_stream_id"]) for stream in self._catalog()["streams"]}
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

    def _catalog(self) -> dict[str, Any]:
        """Return the catalog of the options, or the one that the tap discovers."""
        named = self._options.get("catalog")
        if named:
            try:
                catalog: dict[str, Any] = json.loads((self._folder / named).read_bytes())
            except (OSError, ValueError) as error:
                raise SourceError(f"{named} is no catalog: {error}.") from None
            return catalog
        with TemporaryDirectory(prefix="headrace-tap-") as folder:
            said = self._run(Path(folder), ["--discover"], whole=True)
            found = [message for message in said if "streams" in message]
        if not found:
            raise SourceError(f"{self._what} --discover gave no catalog.")
        return found[0]

    def _read(self, streams: Streams, folder: Path, wanted: set[str]) -> None:
        if self._path:
            streams.read(m for m in self._given() if str(m.get("stream", "")).lower() in wanted)
            return
        catalog = folder / "catalog.json"
        catalog.write_bytes(msgspec.json.encode(_selected(self._catalog(), wanted)))
        state = folder / "state.json"
        given = ["--catalog", str(catalog)] + (["--state", str(state)] if state.exists() else [])
        if state.exists():
            streams.read(decoded(self._what, (folder / "schemas.jsonl").read_bytes().splitlines()))
        with (folder / "schemas.jsonl").open("ab") as schemas:
            for message in self._run(folder, given):
                if message.get("type") == "SCHEMA":
                    schemas.write(msgspec.json.encode(message) + b"\n")
                streams.read([message])
        if streams.state is not None and "state" in self._options:
            value = streams.state
            state.write_bytes(msgspec.json.encode(value))

    def _run(
        self, folder: Path, arguments: list[str], whole: bool = False
    ) -> Iterator[dict[str, Any]]:
        given = self._options.get("config", {})
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
        kept = self._options.get("state")
        if not kept:
            with TemporaryDirectory(prefix="headrace-tap-", dir=scratch) as temporary:
                yield Path(temporary)
            return
        own = {name: one for name, one in self._options.items() if name not in ("state", "sweep")}
        said = msgspec.json.encode(own, order="sorted")
        place = hashlib.blake2b(said, digest_size=16).hexdigest()
        sweep_s = float(self._options.get("sweep", _SWEEP_H)) * 3600
        with TapState(self._folder / str(kept), place, sweep_s).continued(scratch) as folder:
            yield folder


def _selected(catalog: dict[str, Any], wanted: set[str]) -> dict[str, Any]:
    """Return the catalog with the wanted streams selected, in both ways that taps look at."""
    streams = []
    for stream in catalog["streams"]:
        chosen = str(stream["tap_stream_id"]).lower() in wanted
        schema = dict(stream.get("schema") or {}) | {"selected": chosen}
        rest = [part for part in stream.get("metadata") or () if part.get("breadcrumb")]
        own: dict[str, Any] = next(
            (p for p in stream.get("metadata") or () if not p.get("breadcrumb")), {}
        )
        meta = dict(own.get("metadata") or {}) | {"selected": chosen}
        fields = [
            part | {"metadata": {"selected": True} | part.get("metadata", {})} for part in rest
        ]
        entry = {"breadcrumb": [], "metadata": meta}
        streams.append(stream | {"schema": schema, "metadata": [entry, *fields]})
    return catalog | {"streams": streams}
