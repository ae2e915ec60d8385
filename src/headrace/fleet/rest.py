"""Rest: rounds in which nothing changed since a round that found nothing to send.

A plan depends on the source, the models, the settings and the journal. If marks of all four show no
change, the earlier plan still holds, and the book need not be opened. If one of them changed or has
no mark, everything is read and every rule examines every row. The same happens at every `sweep`.

Example: of 300 organisations that are synced every minute, most have no change in most rounds. Each
such round compares file times or a transaction number instead of reading the source.
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
from headrace.book.models.steady import are_steady
from headrace.book.payloads.file_looks import look_at
from headrace.book.payloads.payloads import PAYLOAD_VERSION
from headrace.book.payloads.pdf_places import PdfPlaces
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
    """A plan without operations, with the marks of everything that it depends on."""

    swept: float
    """When everything was read the last time, in seconds since 1970."""
    mark: str
    files: dict[str, str | None]
    """PDF files that the source names, with their marks."""
    plan: Plan


class Sight(Struct, frozen=True):
    """The mark of source, models and settings, taken before they are read for a plan."""

    at: float
    mark: str


def take_sight(
    loaded: LoadedProject, name: str, clock: Clock, environment: Mapping[str, str] = os.environ
) -> Sight | None:
    """Take the mark of source, models and settings; None if the source has no mark.

    Raises SourceError, and whatever `LoadedProject.resolved` raises.
    """
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
    for path in sorted((loaded.folder / settings.models).rglob("*.sql")):
        text = path.read_bytes()
        digest.update(f"{path.name} {len(text)} ".encode() + text)
    return Sight(now, digest.hexdigest())


def rest_file(
    loaded: LoadedProject, name: str, environment: Mapping[str, str] = os.environ
) -> Path:
    """Return the file that records the rest, which is a cache."""
    return loaded.data_folder(name, environment) / _FILE


def plan_at_rest(
    loaded: LoadedProject, name: str, clock: Clock, environment: Mapping[str, str] = os.environ
) -> Plan | None:
    """Return the earlier, empty plan if nothing has changed; None if a plan must be made.

    Raises what `take_sight` raises.
    """
    path = rest_file(loaded, name, environment)
    try:
        rest = msgspec.json.decode(path.read_bytes(), type=_Rest)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    sweep = parse_interval(loaded.settings_of(name).sweep).total_seconds()
    sight = take_sight(loaded, name, clock, environment)
    if sight is None or not 0 <= sight.at - rest.swept < sweep:
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
    """Verify that the API is the journal's target. Raises AnotherTarget or ApiError."""
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
    """Record that the organisation is at rest, if `plan` and `outcome` left nothing to do.

    After a delivery, the book is compared with the journal once more to make sure. Otherwise an
    earlier record is deleted.
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
    """Whether the result depends on nothing but source, models, settings and journal.

    A plan that depends on the API's current state or waits for a person is made in every round.
    """
    asks = opened.book.uses_names or plan.new_fields or plan.unread
    waits = plan.held or plan.claims or plan.drifted or plan.left_out or not plan.whole
    if asks or waits or opened.journal.rejects():
        return False
    unfinished = outcome.left or outcome.rejected or outcome.held or outcome.drifted
    if unfinished or outcome.failed or outcome.interrupted or outcome.sliced:
        return False
    # With errors, a delivery may have changed which records wait because of them.
    if not plan.empty and (plan.errors or plan.withheld or opened.journal.refused_positions()):
        return False
    return are_steady(opened.book.connection, opened.models)


def _write(path: Path, opened: Organisation, sight: Sight, plan: Plan) -> None:
    named = opened.book.connection.execute(
        f"select location, mark from book.files limit {_MAX_FILES + 1}"
    ).fetchall()
    files = _file_marks([location for location, _ in named], opened.book.pdf_places)
    if any(not (files[one] or "").startswith(mark or "") for one, mark in named):
        return  # a file changed after the book was built
    swept = opened.staged.swept if opened.staged is not None else 0.0
    rest = _Rest(swept, f"{sight.mark} {opened.journal.rest_mark()}", files, plan)
    text = msgspec.json.encode(rest)
    if len(named) > _MAX_FILES or len(text) > _MAX_BYTES:
        return
    with suppress(OSError):  # without the file, the next round only takes longer
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text)


def _file_marks(locations: Collection[str], places: PdfPlaces) -> dict[str, str | None]:
    """Return the marks of files; None for one that is missing or does not answer in time."""
    paths = {one: path for one in locations if (path := places.path(one)) is not None}
    states = look_at(paths).states
    return {one: _file_mark(states.get(one)) for one in locations}


def _file_mark(state: os.stat_result | None) -> str | None:
    return f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}" if state else None
