"""Many small cases in one organisation: each has rows of its own, and one sync brings all of them.

A sync costs about the same for three records as for three hundred. A case is a generator: it
changes its shop, and each `yield` is a sync of all cases, which gives what it did for this one. All
ids of a case have its mark in front on their way to the organisation, and lose it on the way back,
so that a case never sees another.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from desk import HubDesk, overlapping
from pair import told
from shop import Shop

from headrace.book.tables import TABLES
from headrace.server.observing.request_log import LogRecord
from headrace.sync.planning.plan import Count, Plan
from headrace.sync.remote.proof import Reconciled
from headrace.testkit.hub import RunningHub

T = TypeVar("T")
_NUMBERS = itertools.count(1)
_PROVED_EMPTY = ("totals", "kinds", "ageing")
"""Sums over all cases, which say nothing of one."""


@dataclass(frozen=True)
class Step:
    """What one sync did for a case."""

    plan: Plan
    """With the changes of this case only; every operation is one of them."""
    writes: list[LogRecord]
    left: Plan
    """What there is to do afterwards."""
    proof: Reconciled
    """The differences of this case only."""

    @property
    def both(self) -> tuple[Plan, Reconciled]:
        """The plan and the proof."""
        return self.plan, self.proof

    @property
    def taken(self) -> tuple[Plan, list[str]]:
        """The plan, and what was sent for it, each request taken at once."""
        assert all(record.status < 400 for record in self.writes), told(self.writes)
        return self.plan, [f"{one.method} {one.external_id}" for one in self.writes]

    def in_step(self) -> None:
        """Both sides must agree and nothing may be left, after whatever was refused at first."""
        left = self.left
        assert (left.changes, left.withheld, left.held, left.drifted) == ([], [], [], []), left
        assert left.errors == 0, left.problems
        assert self.proof.balanced, (self.proof.differences, self.proof.statements)

    def agreed(self) -> list[LogRecord]:
        """The writes, after which the same holds, and of which no two were under way at once."""
        self.in_step()
        assert overlapping(self.writes) == []
        return self.writes

    def sent(self) -> list[str]:
        """`POST I1 200` for each of them."""
        return told(self.agreed())


Story = Generator[None, Step, None]


class Case:
    """One case: its shop, and its part of the organisation at the hub."""

    def __init__(self, name: str, mark: str, folder: Path, desk: HubDesk) -> None:
        self.name = name
        self.mark = mark
        self.desk = desk
        """Of all cases; what it is told needs `marked` ids."""
        self.shop = Shop(folder)

    def marked(self, id: str) -> str:
        """The id as the organisation has it."""
        return self.mark + id

    def run(self, *statements: str) -> None:
        """Statements on the case's own rows."""
        for statement in statements:
            self.shop.run(statement)

    def own(self, items: Sequence[T]) -> list[T]:
        """Those that have an id of this case, without the mark."""
        encoded = ((item, msgspec.json.encode(item)) for item in items)
        mark = self.mark.encode()
        return [
            msgspec.json.decode(text.replace(mark, b""), type=type(item))
            for item, text in encoded
            if mark in text
        ]

    def own_plan(self, plan: Plan) -> Plan:
        """The plan of this case alone."""
        lists = ("changes", "problems", "withheld", "held", "drifted", "departed", "claims")
        own: dict[str, Any] = {name: self.own(getattr(plan, name)) for name in lists}
        actions = Counter((change.entity, change.action) for change in own["changes"])
        counts = [Count(*action, number) for action, number in actions.items()]
        return msgspec.structs.replace(plan, **own, counts=counts, requests=len(own["changes"]))

    def own_proof(self, proof: Reconciled) -> Reconciled:
        """The proof of this case alone."""
        lists = ("differences", "statements", "collected")
        own: dict[str, Any] = {name: self.own(getattr(proof, name)) for name in lists}
        return msgspec.structs.replace(proof, **own, **{name: [] for name in _PROVED_EMPTY})

    def get(self, path: str) -> Any:
        """What the API answers to a GET below /v1; of lists, what is this case's."""
        whole = "external:" in path or "?" in path
        found = self.desk.get(self._marked_path(path) if whole else f"{path}?limit=500")
        if not whole:
            for name, value in found.items():
                if isinstance(value, list):
                    found[name] = [one for one in value if self.mark in json.dumps(one)]
        return json.loads(json.dumps(found).replace(self.mark, ""))

    def post(self, path: str, body: Any) -> Any:
        """Posts a body in which `{}` stands before each id of this case."""
        return self.desk.post(path, json.loads(json.dumps(body).replace("{}", self.mark)))

    def _marked_path(self, path: str) -> str:
        return path.replace("external:", f"external:{self.mark}")

    def rows(self, world: Shop) -> None:
        """Adds the rows of this case to the organisation's own source."""
        with closing(sqlite3.connect(self.shop.folder / "shop.db")) as database:
            made = dict(database.execute("select name, sql from sqlite_master where sql <> ''"))
            for table in TABLES:
                if table.name in made:
                    cursor = database.execute(f"select * from {table.name} order by rowid")
                    names = [column[0] for column in cursor.description]
                    world.rows(table.name, made[table.name], names, map(self._row(names), cursor))

    def _row(self, names: Sequence[str]) -> Callable[[Sequence[Any]], list[Any]]:
        ids = [name.endswith("external_id") or name == "custom_id" for name in names]

        def marked(row: Sequence[Any]) -> list[Any]:
            return [
                self.mark + value if is_id and value is not None else value
                for value, is_id in zip(row, ids, strict=True)
            ]

        return marked


class _World:
    """The organisation in which the cases of a module happen, step by step."""

    def __init__(self, stories: dict[str, Callable[[Case], Story]], more: str) -> None:
        self._stories = stories
        self._more = more
        self.failed: dict[str, BaseException] = {}

    def run(self, folder: Path, hub: RunningHub) -> None:
        """All cases to their ends; those that failed are then in `failed`."""
        self._shop = Shop(folder / "world", more=self._more)
        self._desk = HubDesk(self._shop.folder, hub, f"together-{next(_NUMBERS)}")
        cases = [
            Case(name, f"k{number:02}-", folder / f"case{number}", self._desk)
            for number, name in enumerate(self._stories)
        ]
        live: dict[str, Story] = {case.name: self._stories[case.name](case) for case in cases}
        for case in cases:
            self._go_on(live, case, None)
        while live:
            steps = self._sync(cases)
            for case, step in zip(cases, steps, strict=True):
                if case.name in live:
                    self._go_on(live, case, step)
        for case in cases:
            case.shop.close()
        self._shop.close()

    def _go_on(self, live: dict[str, Story], case: Case, step: Step | None) -> None:
        try:
            live[case.name].send(step)  # type: ignore[arg-type]
        except StopIteration:
            del live[case.name]
        except BaseException as error:
            self.failed[case.name] = error
            del live[case.name]

    def _sync(self, cases: Sequence[Case]) -> list[Step]:
        self._shop.clear()
        for case in cases:
            case.rows(self._shop)
        before = len(self._desk.writes())
        try:
            with self._desk.open() as organisation:
                asyncio.run(organisation.prepare())
                plan = organisation.with_changes(organisation.plan(), None)
                asyncio.run(organisation.apply(plan, "apply"))
                organisation.compare()
                left = organisation.with_changes(organisation.plan(), None)
                proof = asyncio.run(organisation.remote.reconcile())
        except Exception as error:
            for case in cases:
                error.add_note(f"{case.mark} is {case.name}")
            raise
        writes = self._desk.writes(before)
        return [
            Step(case.own_plan(plan), case.own(writes), case.own_plan(left), case.own_proof(proof))
            for case in cases
        ]


class Together:
    """Decorates the cases of a module, each a test of its own; the first that runs runs all."""

    def __init__(self, more: str = "", soak: str | None = None) -> None:
        """`more` are settings of the organisation; with those of `soak`, all go once more there."""
        self._stories: dict[str, Callable[[Case], Story]] = {}
        self._more = {"": more} if soak is None else {more: more, soak: soak}
        self._soak = soak
        self._worlds: dict[str, _World] = {}

    def __call__(self, story: Callable[[Case], Story]) -> Callable[..., None]:
        return self.each(())(story)

    def each(self, *given: tuple[Any, ...]) -> Callable[..., Callable[..., None]]:
        """The case once for each tuple of further arguments."""

        def decorated(story: Callable[..., Story]) -> Callable[..., None]:
            names = {
                "-".join([story.__name__, *map(_text, arguments)]): arguments for arguments in given
            }
            for name, arguments in names.items():
                self._stories[name] = lambda case, arguments=arguments: story(case, *arguments)

            def test(
                place: str,
                name: str,
                tmp_path_factory: pytest.TempPathFactory,
                open_hub: RunningHub,
            ) -> None:
                self._tell(place, name, tmp_path_factory, open_hub)

            test.__doc__ = story.__doc__
            return pytest.mark.parametrize(("place", "name"), self._parameters(names))(test)

        return decorated

    def _parameters(self, names: Iterable[str]) -> list[Any]:
        return [
            pytest.param(
                place,
                name,
                id="-".join([*filter(None, [place]), *name.split("-")[1:]]) or "together",
                marks=pytest.mark.soak if self._soak and place == self._soak else (),
            )
            for place in self._more
            for name in names
        ]

    def _tell(
        self, place: str, name: str, folders: pytest.TempPathFactory, hub: RunningHub
    ) -> None:
        if place not in self._worlds:
            world = _World(self._stories, self._more[place])
            world.run(folders.mktemp("together"), hub)
            self._worlds[place] = world
        if name in self._worlds[place].failed:
            raise self._worlds[place].failed[name]


def _text(value: object) -> str:
    return getattr(value, "__name__", str(value))
