"""Administration of a hub in tests, by store functions on its database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hub_api import Api

from headrace.store.context import Context
from headrace.store.engine.place import transactions
from headrace.store.records.organisations import find_organisation, organisation_by_seq
from headrace.testkit.hub import RunningHub

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Administration:
    """Run `fn(db, organisation, ...)` for the organisation of an Api."""

    def __init__(self, running: RunningHub, api: Api) -> None:
        self._place = running.place
        self._name = api.organisation

    def make(self, make: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Runs `make(db, context, ...)` at NOW."""

        def made(db: Any, organisation: int) -> Any:
            context = Context(organisation_by_seq(db, organisation), NOW)
            return make(db, context, *arguments, **named)

        return self.run(made)

    def run(self, make: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        def made(db: Any) -> Any:
            organisation = find_organisation(db, self._name)
            assert organisation is not None
            return make(db, organisation.seq, *arguments, **named)

        with transactions(self._place) as transact:
            return transact(made)
