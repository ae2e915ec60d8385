"""Prometheus metrics of a running loop, made when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from headrace.alerts.watchman import View, Watchman
from headrace.model.clock import Clock
from headrace.model.extras import load_extra
from headrace.watching.figures import Duration, Figures

_ORGANISATION = ("organisation",)

GAUGES = {
    "headrace_lag_seconds": "Seconds since the oldest change that is not acknowledged was seen; 0 "
    "if there is none.",
    "headrace_pending_operations": "Operations that stay planned after the last round.",
    "headrace_rejected_records": "Records that the API rejects, without the ignored ones.",
    "headrace_withheld_records": "Records that are withheld because of errors.",
    "headrace_requests_last_minute": "Requests that count for the rate limit now.",
    "headrace_rate_limit": "Requests in any minute that the API takes.",
    "headrace_failures_in_a_row": "Rounds in a row that failed, the last one included.",
    "headrace_last_round_timestamp_seconds": "End of the last round, since 1970; 0 for never.",
    "headrace_last_success_timestamp_seconds": "End of the last round that did not fail, since "
    "1970; 0 for never.",
    "headrace_balances_differ": "1 if the last comparison of balances found differences, else 0.",
    "headrace_alerts_unsent": "Messages that could not be sent yet.",
}
"""Gauges with the label `organisation`."""
OTHERS = {
    "headrace_alerts": "Troubles that are not over, by organisation and kind.",
    "headrace_rounds": "Rounds, by organisation and result.",
    "headrace_operations_sent": "Operations that the API acknowledged, by organisation.",
    "headrace_round_seconds": "Duration of rounds, by organisation.",
    "headrace_step_seconds": "Duration of steps: stage, models, plan, request; by organisation.",
    "headrace_organisations": "Organisations that the process syncs.",
    "headrace_loop_silent_seconds": "Seconds since the loop's last turn.",
}
"""The other metrics; counters get the suffix `_total`, durations `_count` and `_sum`."""


def exposition(watchman: Watchman, figures: Figures, clock: Clock) -> tuple[bytes, str]:
    """Return the metrics and their content type. Raises ConfigurationError without the extra."""
    library = load_extra("prometheus_client", "metrics", "GET /metrics")
    families = load_extra("prometheus_client.core", "metrics", "GET /metrics")
    collector = _Collector(families, watchman, figures, clock.now().timestamp())
    registry = library.CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return library.generate_latest(registry), library.CONTENT_TYPE_LATEST


class _Collector:
    """The metrics of one moment."""

    def __init__(self, families: Any, watchman: Watchman, figures: Figures, now: float) -> None:
        self._families = families
        self._watchman = watchman
        self._figures = figures
        self._now = now

    def collect(self) -> Iterator[Any]:
        """Yield all families, as the library requires."""
        views = self._watchman.view()
        values = {view.facts.organisation: gauges(view, self._now) for view in views}
        for name, meaning in GAUGES.items():
            yield self._gauge(name, meaning, {one: of[name] for one, of in values.items()})
        yield self._kinds(views)
        yield self._single("headrace_organisations", len(views))
        yield self._single("headrace_loop_silent_seconds", self._watchman.silent_for())
        yield from self._counters()
        seconds = {(name,): took for name, took in list(self._figures.seconds.items())}
        yield self._summary("headrace_round_seconds", _ORGANISATION, seconds)
        steps = dict(list(self._figures.steps.items()))
        yield self._summary("headrace_step_seconds", ("organisation", "step"), steps)

    def _gauge(self, name: str, meaning: str, values: Mapping[str, float]) -> Any:
        family = self._families.GaugeMetricFamily(name, meaning, labels=_ORGANISATION)
        for organisation, value in values.items():
            family.add_metric((organisation,), value)
        return family

    def _single(self, name: str, value: float) -> Any:
        return self._families.GaugeMetricFamily(name, OTHERS[name], value=value)

    def _kinds(self, views: Iterable[View]) -> Any:
        name = "headrace_alerts"
        family = self._families.GaugeMetricFamily(
            name, OTHERS[name], labels=("organisation", "kind")
        )
        for view in views:
            for alert in view.alerts:
                if alert.recovered_at is None:
                    family.add_metric((view.facts.organisation, alert.kind), 1)
        return family

    def _counters(self) -> Iterator[Any]:
        rounds = self._families.CounterMetricFamily(
            "headrace_rounds", OTHERS["headrace_rounds"], labels=("organisation", "result")
        )
        for labels, count in list(self._figures.rounds.items()):
            rounds.add_metric(labels, count)
        yield rounds
        name = "headrace_operations_sent"
        sent = self._families.CounterMetricFamily(name, OTHERS[name], labels=_ORGANISATION)
        for organisation, count in list(self._figures.sent.items()):
            sent.add_metric((organisation,), count)
        yield sent

    def _summary(self, name: str, labels: tuple[str, ...], values: Mapping[Any, Duration]) -> Any:
        family = self._families.SummaryMetricFamily(name, OTHERS[name], labels=labels)
        for key, took in values.items():
            family.add_metric(key, took.count, took.seconds)
        return family


def gauges(view: View, now: float) -> dict[str, float]:
    """Return the gauges of one organisation by name."""
    facts, round = view.facts, view.facts.round
    waiting = facts.waiting_since
    return {
        "headrace_lag_seconds": max(0.0, now - waiting) if waiting is not None else 0.0,
        "headrace_pending_operations": pending_of(view),
        "headrace_rejected_records": len(facts.rejects),
        "headrace_withheld_records": (round.withheld or 0) if round else 0,
        "headrace_requests_last_minute": view.progress.in_last_minute if view.progress else 0,
        "headrace_rate_limit": facts.settings.target.rate,
        "headrace_failures_in_a_row": round.failures if round else 0,
        "headrace_last_round_timestamp_seconds": round.at if round else 0.0,
        "headrace_last_success_timestamp_seconds": (round.succeeded_at or 0.0) if round else 0.0,
        "headrace_balances_differ": int(facts.proof is not None and not facts.proof.balanced),
        "headrace_alerts_unsent": sum(one.waits and bool(one.said) for one in view.alerts),
    }


def pending_of(view: View) -> int:
    """Return the number of operations that stay planned, or are still to come in this round."""
    if view.began_at is not None and view.progress is not None and view.progress.left:
        return view.progress.left
    return (view.facts.round.pending or 0) if view.facts.round is not None else 0
