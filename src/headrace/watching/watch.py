"""Everything that watches a loop, from its beginning to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from msgspec import Struct

from headrace.alerts.announcer import Announcer
from headrace.alerts.digest import Digest
from headrace.alerts.post import ApprisePost
from headrace.alerts.watchman import Watchman
from headrace.fleet.loop import Loop
from headrace.fleet.observer import Observers
from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError
from headrace.model.lazy import lazily
from headrace.watching.figures import Figures
from headrace.watching.traces import make_traces

if TYPE_CHECKING:
    from headrace.watching import listener
    from headrace.watching.pages import people, visit
else:
    # A server with its pages takes longer to load than a round of an organisation at rest.
    listener = lazily("headrace.watching.listener")
    people = lazily("headrace.watching.pages.people")
    visit = lazily("headrace.watching.pages.visit")


class Pages(Struct, frozen=True, kw_only=True):
    """Who gets the sync pages."""

    hosts: Sequence[str] = ()
    """Names other than this machine's by which requests may come."""
    people: Mapping[str, str] = {}
    """Secrets by name; nobody has to sign in if it is empty, and then nobody can act."""


class Watch:
    """Alerts, metrics, traces and the status page of one loop, in a `with` block around it."""

    def __init__(self, address: str, clock: Clock, pages: Pages | None = None) -> None:
        """Bind `address` for metrics and pages; empty for none. With `pages`, there are the sync
        pages. Raises ConfigurationError."""
        post = ApprisePost()
        self._traces = make_traces()
        self._watchman = Watchman(clock, Announcer(clock, post), Digest(clock, post))
        figures = Figures(clock, self._traces)
        self.observers = Observers(figures, self._watchman)
        self._site = self._made_site(pages, clock) if pages is not None else None
        self._listener = (
            listener.Listener(address, self._watchman, figures, clock, self._site)
            if address
            else None
        )

    def _made_site(self, pages: Pages, clock: Clock) -> visit.Site:
        known = people.People(pages.people, clock)
        if pages.hosts and not known:
            raise ConfigurationError(
                "[run] hosts lets others than this machine see the pages, so [run.people] has to "
                "name who may sign in."
            )
        hosts = frozenset(host.lower() for host in pages.hosts)
        return visit.Site(watchman=self._watchman, clock=clock, people=known, hosts=hosts)

    def attend(self, loop: Loop) -> None:
        """Let the pages work with this loop."""
        if self._site is not None:
            self._site.loop = loop

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
