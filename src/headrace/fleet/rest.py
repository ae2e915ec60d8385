"""Rest: a round in which nothing moved since one that found nothing to send costs no book.

What a plan is made of is the source, the models, the settings and the journal. Where all four show
that they are as they were, the plan of then is the plan of now. Whenever one of them moved, or does
not tell, everything is read and every rule examines every row; and at every `sweep` all the same.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping
from contextlib import closing, suppress
from pathlib import Path

import duckdb
import msgspec
from msgspec import Struct

from headrace import __version__
from headrace.book.file_looks import look_at
from headrace.book.payloads import PAYLOAD_VERSION
from headrace.book.pdf_places import PdfPlaces
from headrace.book.steady import are_steady
from headrace.fleet.project import LoadedProject
from headrace.model.clock import Clock, format_instant, parse_interval
from headrace.sources.registry import open_source
from headrace.sync.binding import Binding
from headrace.sync.connection import Connection
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.journal import Journal
from headrace.sync.planning.plan import Plan
from headrace.sync.session import Organisation

_FILE = "rest.json"
_MAX_BYTES = 1_000_000
_MAX_FILES = 5_000
NOTHING_SENT = DeliveryOutcome(
    sent=0,
    rejected=0,
    held=0,
    left=0,
    retries=0,
    throttled=0,
    seconds=0.0,
    open_complete_after=None,
    interrupted=False,
)


class _Rest(Struct, frozen=True):
    """A plan without operations, and what it was made of."""

    at: float
    """Seconds since 1970 when the source was looked at."""
    mark: str
    files: dict[str, str | None]
    """PDF files that the source names, with what tells that one is another."""
    plan: Plan


class Sight(Struct, frozen=True):
    """What a plan is going to be made of, but for the journal, as it stood before it was read."""

    at: float
    mark: str


def take_sight(
    loaded: LoadedProject, name: str, clock: Clock, environment: Mapping[str, str] = os.environ
) -> Sight | None:
    """None where nothing tells whether the source moved. Errors as `LoadedProject.open` has them,
    and SourceError."""
    settings, keys = loaded.resolved(name, environment)
    now = clock.now().timestamp()
    with closing(open_source(settings.source, loaded.folder)) as source:
        mark = source.mark(now)
    if mark is None:
        return None
    digest = hashlib.blake2b(digest_size=16)
    versions = f"{__version__} {PAYLOAD_VERSION} {duckdb.__version__} {name} {loaded.folder}"
    for part in (versions.encode(), msgspec.json.encode(settings), mark.encode()):
        digest.update(len(part).to_bytes(8, "big") + part)
    digest.update(hashlib.blake2b(f"{keys.key}\0{keys.secret}".encode()).digest())
    for path in sorted((loaded.folder / settings.models).glob("*.sql")):
        text = path.read_bytes()
        digest.update(f"{path.name} {len(text)} ".encode() + text)
    return Sight(now, digest.hexdigest())


def rest_file(
    loaded: LoadedProject, name: str, environment: Mapping[str, str] = os.environ
) -> Path:
    """Where it is noted; a cache."""
    return loaded.data_folder(name, environment) / _FILE


def plan_at_rest(
    loaded: LoadedProject, name: str, clock: Clock, environment: Mapping[str, str] = os.environ
) -> Plan | None:
    """The plan, empty, if nothing that it is made of moved; None when it must be made."""
    path = rest_file(loaded, name, environment)
    try:
        rest = msgspec.json.decode(path.read_bytes(), type=_Rest)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    sweep = parse_interval(loaded.settings_of(name).sweep).total_seconds()
    sight = take_sight(loaded, name, clock, environment)
    if sight is None or not 0 <= sight.at - rest.at < sweep:
        return None
    if rest.mark != _with_journal(loaded, name, clock, sight, environment):
        return None
    places = PdfPlaces(loaded.folder, loaded.settings_of(name).documents)
    if _file_marks(rest.files, places) != rest.files:
        return None
    return msgspec.structs.replace(rest.plan, made_at=format_instant(clock.now()))


async def verify_target(
    loaded: LoadedProject, name: str, clock: Clock, environment: Mapping[str, str] = os.environ
) -> None:
    """Looks whether the API still holds what the journal says. AnotherTarget, ApiError."""
    settings, keys = loaded.resolved(name, environment)
    with closing(Journal(loaded.journal_place(name, environment), clock)) as journal:
        connection = Connection(settings.target, keys, loaded.folder, journal, clock)
        binding = Binding(journal, connection, clock, settings.sweep_interval)
        await binding.verify(always=True)


def _with_journal(
    loaded: LoadedProject, name: str, clock: Clock, sight: Sight, environment: Mapping[str, str]
) -> str:
    with closing(Journal(loaded.journal_place(name, environment), clock)) as journal:
        return f"{sight.mark} {journal.rest_mark()}"


def keep_rest(
    loaded: LoadedProject,
    opened: Organisation,
    sight: Sight | None,
    plan: Plan,
    outcome: DeliveryOutcome,
) -> None:
    """Notes that the organisation is at rest, if `plan` and `outcome` left nothing to do.

    After a delivery, the book is held against the journal once more to see that.
    """
    path = rest_file(loaded, opened.name)
    if sight is None or not _may_rest(opened, plan, outcome):
        path.unlink(missing_ok=True)
        return
    if not plan.empty:
        opened.compare()
        plan = opened.plan()
    if plan.empty:
        _write(path, opened, sight, plan)


def _may_rest(opened: Organisation, plan: Plan, outcome: DeliveryOutcome) -> bool:
    """What depends on the API as it is now, or on a person, is looked at in each round."""
    asks = opened.book.uses_names or plan.new_fields or plan.unlooked
    waits = plan.held or plan.claims or plan.drifted or plan.left_out or not plan.whole
    if asks or waits or opened.journal.rejects():
        return False
    unfinished = outcome.left or outcome.rejected or outcome.held or outcome.drifted
    if unfinished or outcome.failed or outcome.interrupted or outcome.sliced:
        return False
    # With errors a delivery may have moved what waits for their rows.
    if not plan.empty and (plan.errors or plan.withheld or opened.journal.refused_positions()):
        return False
    return are_steady(opened.book.connection, opened.models)


def _write(path: Path, opened: Organisation, sight: Sight, plan: Plan) -> None:
    named = opened.book.connection.execute(
        f"select location, mark from book.files limit {_MAX_FILES + 1}"
    ).fetchall()
    files = _file_marks([location for location, _ in named], opened.book.pdf_places)
    if any(not (files[one] or "").startswith(mark or "") for one, mark in named):
        return  # one has changed since the book was built
    rest = _Rest(sight.at, f"{sight.mark} {opened.journal.rest_mark()}", files, plan)
    text = msgspec.json.encode(rest)
    if len(named) > _MAX_FILES or len(text) > _MAX_BYTES:
        return
    with suppress(OSError):  # it only saves time
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text)


def _file_marks(locations: Collection[str], places: PdfPlaces) -> dict[str, str | None]:
    """None for what is not there, or does not answer."""
    paths = {one: path for one in locations if (path := places.path(one)) is not None}
    states = look_at(paths).states
    return {one: _file_mark(states.get(one)) for one in locations}


def _file_mark(state: os.stat_result | None) -> str | None:
    return f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}" if state else None
