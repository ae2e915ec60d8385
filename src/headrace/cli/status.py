"""`headrace status`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from headrace.alerts.stores import recorded_alerts
from headrace.cli.each import Failed, Failures
from headrace.cli.show.alerts import alert_document, alert_text
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    duration_text,
    print_json,
    several,
)
from headrace.cli.show.standing import standing_text, summary_text
from headrace.cli.show.watching import watch_status
from headrace.fleet.project import LoadedProject, load_project
from headrace.fleet.standing import TROUBLE_FIRST, Standing, standing_of
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ConfigurationError
from headrace.sync.journal import KILLED, Alert, Journal, Key, Reject, Run, Sent, State
from headrace.sync.planning.name_texts import name_text
from headrace.sync.planning.names import UNKNOWN, Name, acknowledged_names, refused_names

_REJECTS_SHOWN = 20


def command(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    run: Annotated[
        int | None,
        typer.Option("--run", help="One run by its number: what it sent and what was refused."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it again every two seconds, until Ctrl-C.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show what the API has, the last runs, and what it refused; works during a running sync.

    Of several organisations it sums up, then tells of each, those in trouble first: its last
    success, its last failure with its sentence, what is pending and refused, and when it is due.
    Of a run that goes on it tells how far it is, how much of the allowed rate it uses, and when the
    open items and all items are complete. With --run it tells of one run what it sent, by entity
    and action, how long it took, why it ended, and what the API refused; --json names each record.

    Example: headrace status --run 12 --json
    """
    loaded = load_project(project)
    if run is not None:
        _tell_run(loaded, loaded.only(organisation), run, json)
        return
    if watch:
        watch_status(lambda: _shown(load_project(project), organisation))
        return
    names = loaded.names(organisation)
    failures = Failures(loaded, names, json)
    reports = [report for _, report in failures.each(lambda name: _read(loaded, name))]
    reports += [_unreadable(loaded, failed) for failed in failures.all]
    reports.sort(key=lambda report: TROUBLE_FIRST.index(report["standing"].state))
    if json:
        print_json([_document(report) for report in reports])
    elif len(names) == 1:
        _show(reports[0])
    else:
        _show_all(reports)
    failures.exit()


def _shown(loaded: LoadedProject, organisation: Sequence[str] | None) -> list[str]:
    """Return the lines of the status, those in trouble first."""
    names = loaded.names(organisation)
    failures = Failures(loaded, names, json=True, note=lambda name, error: None)
    reports = [report for _, report in failures.each(lambda name: _read(loaded, name))]
    reports += [_unreadable(loaded, failed) for failed in failures.all]
    reports.sort(key=lambda report: TROUBLE_FIRST.index(report["standing"].state))
    return _all_lines(reports)


def _all_lines(reports: Sequence[dict[str, Any]]) -> list[str]:
    now = SYSTEM_CLOCK.now().timestamp()
    lines = [summary_text([report["standing"] for report in reports])]
    for report in reports:
        lines += standing_text(report["standing"], now).splitlines()
        lines += [f"  {alert_text(alert)}" for alert in report["alerts"]]
    return lines


def _show_all(reports: Sequence[dict[str, Any]]) -> None:
    for line in _all_lines(reports):
        console.print(line, markup=False)


def _show_alerts(alerts: Sequence[Alert]) -> None:
    """Show what is announced, and which message could not be sent."""
    for alert in alerts:
        console.print(f"  {alert_text(alert)}", markup=False)


def _unreadable(loaded: LoadedProject, failed: Failed) -> dict[str, Any]:
    """Return the status of an organisation whose journal can't be read."""
    name = failed.organisation
    return {
        "organisation": name,
        "standing": Standing(organisation=name, state="failed", trouble=failed.error),
        "records": {},
        "runs": [],
        "state": None,
        "rejects": [],
        "names": {},
        "alerts": recorded_alerts(loaded, name, SYSTEM_CLOCK),
        "approvals": [],
    }


def _read(loaded: LoadedProject, name: str) -> dict[str, Any]:
    with closing(Journal(loaded.journal_place(name), SYSTEM_CLOCK)) as journal:
        runs = journal.runs()
        return {
            "organisation": name,
            "standing": standing_of(loaded, name, journal, SYSTEM_CLOCK),
            "records": journal.count(),
            "runs": runs,
            "state": journal.state(runs[0].id) if runs else None,
            "rejects": (rejects := journal.rejects()),
            "names": refused_names(journal, rejects[:_REJECTS_SHOWN]),
            "alerts": recorded_alerts(loaded, name, SYSTEM_CLOCK),
            "approvals": journal.approvals("waiting"),
        }


def _document(report: dict[str, Any]) -> dict[str, Any]:
    names: dict[Key, Name] = report.pop("names")
    alerts = [alert_document(alert) for alert in report["alerts"]]
    return report | {"rejects": _with_names(report["rejects"], names), "alerts": alerts}


def _with_names(
    records: Sequence[Reject | Sent], names: Mapping[Key, Name]
) -> list[dict[str, Any]]:
    return [
        {**msgspec.to_builtins(one), **msgspec.structs.asdict(names.get(one.key, UNKNOWN))}
        for one in records
    ]


def _tell_run(loaded: LoadedProject, name: str, number: int, json: bool) -> None:
    with closing(Journal(loaded.journal_place(name), SYSTEM_CLOCK)) as journal:
        run = journal.run(number)
        if run is None:
            raise ConfigurationError(
                f"{name} has no run {number}: `headrace status` shows the last ones."
            )
        counts, state = journal.sent_counts(number), journal.state(number)
        records = journal.sent(number, refused_only=not json)
        names = _refused_names(journal, records if json else records[:_REJECTS_SHOWN])
    if json:
        named = [{"entity": e, "action": action, "count": count} for e, action, count in counts]
        document = {"organisation": name, "run": run, "state": state, "counts": named}
        print_json({**document, "records": _with_names(records, names)})
        return
    console.print(f"[bold]{name}[/bold]")
    console.print(f"  {_run_text(run, state)}, by `headrace {run.command}`", markup=False)
    for entity, action, count in counts:
        console.print(f"    {several(count, entity)}: {action}")
    for one in records[:_REJECTS_SHOWN]:
        text = name_text(one.entity, one.external_id, names.get(one.key, UNKNOWN))
        console.print(f"    {text} refused: {one.refused}", markup=False)
    if len(records) > _REJECTS_SHOWN:
        console.print(f"    … and {len(records) - _REJECTS_SHOWN:,} more (--json has all)")


def _refused_names(journal: Journal, records: Sequence[Sent]) -> dict[Key, Name]:
    keys = {one.key for one in records}
    names = refused_names(journal, [one for one in journal.rejects() if one.key in keys])
    return {**acknowledged_names(journal, keys - names.keys()), **names}


def _show(report: dict[str, Any]) -> None:
    now = SYSTEM_CLOCK.now().timestamp()
    console.print(standing_text(report["standing"], now), markup=False)
    _show_alerts(report["alerts"])
    counts = report["records"]
    said = ", ".join(several(count, entity) for entity, count in counts.items())
    console.print(f"  the API has: {said or 'nothing yet'}")
    for number, run in enumerate(report["runs"]):
        said = _run_text(run, report["state"] if number == 0 else None)
        console.print(f"  {said}", markup=False)
    rejects: list[Reject] = report["rejects"]
    names: dict[Key, Name] = report["names"]
    if rejects:
        console.print(f"  [red]{len(rejects):,} rejected[/red]")
    for reject in rejects[:_REJECTS_SHOWN]:
        named = name_text(reject.entity, reject.external_id, names.get(reject.key, UNKNOWN))
        console.print(f"    {named}: {reject.status} {reject.message}", markup=False)


def _run_text(run: Run, state: State | None) -> str:
    started = datetime.fromtimestamp(run.started_at, UTC)
    text = f"run {run.id}, {started:%Y-%m-%d %H:%M:%S} UTC: {run.sent:,} of {run.planned:,} sent"
    if run.rejected:
        text += f", {run.rejected:,} rejected"
    if run.ended_at is not None:
        return f"{text} in {duration_text(run.ended_at - run.started_at)}, {run.outcome}"
    if run.outcome == KILLED:
        return f"{text}, killed; the next run goes on where it stopped"
    now = SYSTEM_CLOCK.now().timestamp()
    text += f", running for {duration_text(now - run.started_at)}"
    return f"{text}{_state_text(state, now)}" if state else f"{text} or ended without a word"


def _state_text(state: State, now: float) -> str:
    """Return its last state and its age; a run that was killed reports nothing more."""
    noted = datetime.fromtimestamp(state.noted_at, UTC)
    parts = [
        f"; {state.left:,} left",
        f"{state.per_minute:,} requests in the last minute "
        f"({state.per_minute / state.rate:.0%} of what is allowed)",
    ]
    if state.open_left:
        when = noted + timedelta(seconds=state.open_complete_in)
        parts.append(f"open items complete at {when:%H:%M:%S}")
    else:
        parts.append("open items complete")
    when = noted + timedelta(seconds=state.complete_in)
    parts.append(f"all complete at {when:%Y-%m-%d %H:%M:%S} UTC")
    if state.note:
        parts.append(state.note)
    return f"{', '.join(parts)} (said {duration_text(max(0.0, now - state.noted_at))} ago)"
