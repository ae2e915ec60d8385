"""Everything that watches a loop, from its beginning to its end."""

from __future__ import annotations

from types import TracebackType

from headrace.alerts.announcer import Announcer
from headrace.alerts.digest import Digest
from headrace.alerts.post import ApprisePost
from headrace.alerts.watchman import Watchman
from headrace.fleet.observer import Observers
from headrace.model.clock import Clock
from headrace.watching.figures import Figures
from headrace.watching.listener import Listener
from headrace.watching.traces import make_traces


class Watch:
    """Alerts, metrics, traces and the status page of one loop, in a `with` block around it."""

    def __init__(self, address: str, clock: Clock) -> None:
        """Bind `address` for metrics and the page; empty for none. Raises ConfigurationError."""
        post = ApprisePost()
        self._traces = make_traces()
        self._watchman = Watchman(clock, Announcer(clock, post), Digest(clock, post))
        figures = Figures(clock, self._traces)
        self.observers = Observers(figures, self._watchman)
        self._listener = Listener(address, self._watchman, figures, clock) if address else None

    @property
    def url(self) -> str:
        """Where the page is; empty if it is not served."""
        return self._listener.url if self._listener is not None else ""

    def __enter__(self) -> Watch:
        if self._listener is not None:
            self._listener.start()
        self._watchman.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Announce what is left, and end in order. May be called twice."""
        self._watchman.stop()
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
        if self._traces is not None:
            self._traces.close()
            self._traces = None
