"""Chooses how an organisation gets hints: the best way that works, and why no better one."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from headrace.hints.counters import CountersWay
from headrace.hints.file_events import FileEvents
from headrace.hints.files import FilesWay
from headrace.hints.mysql_counters import MysqlCountersWay
from headrace.hints.notify import NotifyWay
from headrace.hints.poll import PollWay
from headrace.hints.slot import SlotWay
from headrace.hints.way import HintsLost, Subject, Way
from headrace.model.clock import Clock
from headrace.model.errors import HeadraceError


class Choice(Struct, frozen=True):
    """The way that is used, and the objections to better ones."""

    way: Way | None
    objections: Sequence[tuple[str, str]]
    """Name and objection of each better way, best first; of a wanted way, its objection."""
    webhook: bool = False
    """Whether the organisation has a webhook as well."""


async def choose(
    subject: Subject, wish: str, webhook: bool, clock: Clock, events: FileEvents
) -> Choice:
    """Return the best way that works, or the one that is wished for if it works.

    `wish` is the setting `hints`. Errors of the source are objections.
    """
    if wish in ("off", "webhook"):
        return Choice(None, [], webhook and wish == "webhook")
    objections: list[tuple[str, str]] = []
    ways = _ways(subject, clock, events)
    for way in ways:
        if wish not in ("auto", way.name):
            continue
        try:
            objection = await way.objection()
        except (HintsLost, HeadraceError) as error:
            objection = str(error)
        if not objection:
            return Choice(way, objections, webhook)
        objections.append((way.name, objection))
    if wish != "auto" and wish not in {way.name for way in ways}:
        objections.append((wish, "this kind of source has no such hints"))
    return Choice(None, objections, webhook)


def _ways(subject: Subject, clock: Clock, events: FileEvents) -> list[Way]:
    """Return the ways that the kind of source has, best first."""
    source = subject.source
    if source.kind == "files" and "://" not in source.path:
        return [FilesWay(subject, clock, events)]
    if source.kind == "rest":
        return [PollWay(subject, clock)]
    if source.kind != "sql":
        return []
    scheme = source.url.partition("://")[0]
    if scheme in ("sqlite", "duckdb"):
        return [FilesWay(subject, clock, events)]
    if scheme in ("postgresql", "postgres"):
        return [NotifyWay(subject), SlotWay(subject), CountersWay(subject, clock)]
    if scheme.partition("+")[0] in ("mysql", "mariadb"):
        return [MysqlCountersWay(subject, clock)]
    return []


def described(choice: Choice, wish: str) -> str:
    """Return a sentence about the choice, with the objections to better ways."""
    if wish == "off":
        return "off"
    used = [f"{choice.way.name} ({choice.way.delay})"] if choice.way is not None else []
    used += ["webhook (when the billing system calls)"] if choice.webhook else []
    text = " and ".join(used) or "none; the source is looked at as often as `every` says"
    if choice.objections:
        reasons = "; ".join(f"not {name}: {objection}" for name, objection in choice.objections)
        text += f"; {reasons}"
    return text
