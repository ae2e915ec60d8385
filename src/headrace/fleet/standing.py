"""The standing of an organisation: its last rounds, what is left to send, and current errors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from typing import Literal

import msgspec
from msgspec import Struct

from headrace.fleet.project import LoadedProject
from headrace.fleet.secrets import resolve
from headrace.model.clock import Clock
from headrace.model.errors import ApprovalNeeded, HeadraceError
from headrace.model.project import OrganisationSettings
from headrace.sources.registry import open_source
from headrace.sync.journal import KILLED, SCHEMES, Journal, NotedRound, Run

State = Literal["failed", "waiting", "behind", "new", "running", "in step"]
TROUBLE_FIRST: tuple[State, ...] = ("failed", "waiting", "behind", "new", "running", "in step")


class Standing(Struct, frozen=True, kw_only=True):
    """The standing of one organisation. Times are in seconds since 1970, UTC; None if unknown."""

    organisation: str
    state: State
    """`failed` if the last round failed or the next one would; `waiting` if its plan waits for a
    person's approval; `behind` if records are left, rejected or withheld; `new` if there was no
    round yet."""
    trouble: str = ""
    """Message about the current error; empty if there is none."""
    last_success: float | None = None
    last_failure: float | None = None
    last_failure_message: str = ""
    pending: int | None = None
    """Number of operations that stay planned."""
    rejects: int = 0
    """Number of rejects, without the ignored ones."""
    withheld: int = 0
    """Number of records that stay behind because of errors in the source."""
    next_round: float | None = None
    """Time of the next round of `headrace run`; in the past if it is overdue."""


def standing_of(
    loaded: LoadedProject,
    name: str,
    journal: Journal,
    clock: Clock,
    environment: Mapping[str, str] = os.environ,
) -> Standing:
    """Return the standing by the journal, and by a look at the source and the files of the keys."""
    rounds, runs = journal.last_rounds(), journal.runs(1)
    of_run = _of_runs(runs, journal)
    last = {round.kind: round for round in sorted((*of_run, *rounds), key=lambda one: one.at)}
    success, failure = last.get("success"), last.get("failure")
    newest = max(last.values(), key=lambda one: one.at, default=None)
    running = bool(runs) and _goes_on(runs[0]) and _is_newest(runs[0], newest)
    pending = next((one.pending for one in rounds if one.pending is not None), None)
    rejects = sum(not one.ignored for one in journal.rejects())
    logged = next(iter(journal.logged_rounds(1)), None)
    withheld = (logged.withheld or 0) if logged else 0
    trouble = _trouble_now(loaded, name, environment)
    if not trouble and newest is not None and newest.kind == "failure":
        trouble = newest.message
    state: State = "in step"
    if trouble:
        state = "waiting" if logged and logged.error == ApprovalNeeded.__name__ else "failed"
    elif running:
        state = "running"
    elif newest is None:
        state = "new"
    elif pending or rejects or withheld:
        state = "behind"
    every = loaded.settings_of(name).interval.total_seconds()
    return Standing(
        organisation=name,
        state=state,
        trouble=trouble,
        last_success=success.at if success else None,
        last_failure=failure.at if failure else None,
        last_failure_message=failure.message if failure else "",
        pending=pending,
        rejects=rejects,
        withheld=withheld,
        next_round=newest.at + every if newest and not running else None,
    )


def _goes_on(run: Run) -> bool:
    return run.ended_at is None and run.outcome != KILLED


def _of_runs(runs: list[Run], journal: Journal) -> list[NotedRound]:
    """Return the runs as rounds.

    Journals of earlier versions have runs but no rounds, and so has one whose process was killed.
    """
    killed = [
        NotedRound(
            "failure",
            state.noted_at if (state := journal.state(run.id)) else run.started_at,
            run.command,
            f"its last run was killed, or its machine went down, with {run.sent:,} of "
            f"{run.planned:,} sent; the next run continues from there",
            None,
        )
        for run in runs
        if run.outcome == KILLED
    ]
    return killed + [
        NotedRound(
            "success" if run.outcome in ("done", "planned again") else "failure",
            run.ended_at,
            run.command,
            str(run.outcome),
            None,
        )
        for run in runs
        if run.ended_at is not None
    ]


def _is_newest(run: Run, newest: NotedRound | None) -> bool:
    return newest is None or run.started_at > newest.at


def _trouble_now(loaded: LoadedProject, name: str, environment: Mapping[str, str]) -> str:
    """Return the error that the next round would fail with, as far as no network is needed.

    A missing environment variable is no error: it may be set where the sync runs.
    """
    settings = loaded.settings_of(name)
    where = f"[organisation.{name}]"
    try:
        for key in ("url", "key", "secret"):
            text = getattr(settings.target, key)
            if text.startswith("file:"):
                resolve(text, f"{where} target.{key}", loaded.folder, environment)
        _look_at_source(loaded, settings, environment)
    except HeadraceError as error:
        return str(error)
    return ""


def _look_at_source(
    loaded: LoadedProject, settings: OrganisationSettings, environment: Mapping[str, str]
) -> None:
    url = settings.source.url
    if url.startswith("env:") and not environment.get(url.removeprefix("env:")):
        return
    url = resolve(url, "source.url", loaded.folder, environment)
    if url.startswith(SCHEMES):
        return
    there = msgspec.structs.replace(settings.source, url=url)
    with closing(open_source(there, loaded.folder)) as source:
        source.tables()
