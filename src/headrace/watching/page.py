"""The status page: one HTML document, which a small script loads again by itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape
from msgspec import Struct

from headrace.alerts.kinds import KINDS
from headrace.alerts.texts import duration, when
from headrace.alerts.watchman import View
from headrace.model.errors import ApprovalNeeded
from headrace.pages.templates import environment
from headrace.sync.journal import LoggedRound
from headrace.watching.metrics import pending_of

_ORDER = ("in trouble", "failed", "waiting", "behind", "new", "running", "in step")
_SHOWN = 500
"""Organisations on the page, those in trouble first."""


class Trouble(Struct, frozen=True):
    """What is wrong, for the page."""

    title: str
    since: str
    remedy: str
    clauses: list[str]
    unsent: str


class Row(Struct, frozen=True, kw_only=True):
    """One organisation on the page, in words."""

    name: str
    state: str
    troubles: list[Trouble]
    lag: str
    pending: str
    rejected: str
    withheld: str
    rounds: list[str]
    error: str


class StatusPage:
    """Makes the page from what is known of each organisation."""

    def __init__(self) -> None:
        templates = environment("headrace.watching")
        templates.filters["code"] = marked_code
        self._template = templates.get_template("status.html")

    def render(self, views: Iterable[View], now: float) -> str:
        """Return the page; organisations are sorted by trouble."""
        return self._template.render(pages=False, who="", proof="", **self.shown(views, now))

    def shown(self, views: Iterable[View], now: float) -> dict[str, Any]:
        """Return what the page's template shows."""
        rows = sorted((row_of(view, now) for view in views), key=_rank)
        counts = {
            state: count for state in _ORDER if (count := sum(row.state == state for row in rows))
        }
        at = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%S} UTC"
        more = max(0, len(rows) - _SHOWN)
        return {"rows": rows[:_SHOWN], "more": more, "counts": counts, "at": at}


def marked_code(text: str) -> Markup:
    """Return the text, escaped, with what stands in backticks as code."""
    parts = [escape(part) for part in text.split("`")]
    marked = [
        Markup("<code>{}</code>").format(one) if n % 2 else one for n, one in enumerate(parts)
    ]
    return Markup("").join(marked)


def _rank(row: Row) -> tuple[int, str]:
    return _ORDER.index(row.state), row.name


def row_of(view: View, now: float) -> Row:
    """Return the words about one organisation."""
    facts = view.facts
    last = facts.round
    waiting = facts.waiting_since
    pending = pending_of(view)
    open_alerts = [one for one in view.alerts if one.recovered_at is None]
    troubles = [
        Trouble(
            KINDS[one.kind].title,
            f"since {when(one.since)} ({duration(now - one.since)})",
            KINDS[one.kind].remedy.replace("{}", facts.organisation),
            one.clauses,
            one.said if one.waits else "",
        )
        for one in open_alerts
    ]
    failed = last is not None and bool(last.error)
    if failed and last is not None and last.error == ApprovalNeeded.__name__:
        state = "waiting"
    elif open_alerts:
        state = "in trouble"
    elif failed:
        state = "failed"
    elif view.began_at is not None:
        state = "running"
    elif last is None:
        state = "new"
    else:
        state = "behind" if pending or facts.rejects else "in step"
    return Row(
        name=facts.organisation,
        state=state,
        troubles=troubles,
        lag=duration(now - waiting) if waiting is not None else "none",
        pending=f"{pending:,}",
        rejected=f"{len(facts.rejects):,}",
        withheld=f"{last.withheld or 0:,}" if last is not None else "0",
        rounds=[_round_text(one, now) for one in facts.rounds],
        error=last.said if last is not None and failed else "",
    )


def _round_text(round: LoggedRound, now: float) -> str:
    """Return `3 min ago: 12 sent in 4.1 s`."""
    times = f" ({round.times:,} rounds)" if round.times > 1 else ""
    said = "failed" if round.error else round.said
    if round.error == ApprovalNeeded.__name__:
        said = "a plan waits for approval"
    return f"{duration(now - round.at)} ago: {said} in {round.seconds:.1f} s{times}"
