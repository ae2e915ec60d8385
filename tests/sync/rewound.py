"""An organisation that many tests begin with, brought in step once.

To bring one in step costs a test more than most of what it tests. `Rewound` keeps a project folder,
and what the hub has of its organisation, as they are at one moment; each test then has them so.
"""

from __future__ import annotations

import copy
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from desk import HubDesk
from pair import Pair
from shop import Shop

from headrace.testkit.hub import RunningHub

_OWN = "organisation = :own"
_DOCUMENTS = "(select seq from document where organisation = :own)"
_FIELDS = "(select seq from custom_field where organisation = :own)"
_CHILDREN = {
    "allocation": f"source in {_DOCUMENTS} or target in {_DOCUMENTS}",
    "custom_key": f"field in {_FIELDS}",
    "custom_value": f"field in {_FIELDS}",
    "note": "customer in (select seq from customer where organisation = :own)",
    "portal_visit": "link in (select id from portal_link where organisation = :own)",
}
"""Whose rows are an organisation's, where they do not say so themselves."""
_Execute = Callable[[str], sqlite3.Cursor]


class Rewound:
    """A desk's project and its organisation at the moment in which this is made.

    Nothing may have the project open, and the hub must have no PDFs of it.
    """

    def __init__(self, desk: HubDesk) -> None:
        self._desk = desk
        self._log = desk.log()
        with _rows(desk) as (execute, _, tables):
            self._rows = [
                (table, execute(f"select * from {table} where {where}").fetchall())
                for table, where in tables
            ]

    def again(self, folder: Path) -> HubDesk:
        """A desk with a copy of the project in a new folder; the hub has nothing from later on."""
        shutil.copytree(self._desk.folder, folder)
        desk = copy.copy(self._desk)
        desk.folder = folder
        desk.environment = dict(desk.environment)
        with _rows(desk) as (execute, fill, tables):
            for table, where in tables:
                execute(f"delete from {table} where {where}")
            for table, rows in self._rows:
                fill(table, rows)
        desk.hub._log.forget(desk.name)
        for record in self._log:
            desk.hub._log(record)
        return desk

    @contextmanager
    def pair(self, folder: Path) -> Iterator[Pair]:
        """The desk with its shop."""
        desk = self.again(folder)
        with closing(Shop.opened(folder)) as shop:
            yield Pair(shop, desk)


def filled(
    folder: Path, hub: RunningHub, name: str, fill: Callable[[Shop], None], more: str = ""
) -> Rewound:
    """An organisation that is in step with a shop which `fill` gives its rows."""
    with closing(Shop(folder / "shop", more=more)) as shop:
        fill(shop)
    desk = HubDesk(shop.folder, hub, name)
    desk.apply()
    return Rewound(desk)


@contextmanager
def _rows(
    desk: HubDesk,
) -> Iterator[tuple[_Execute, Callable[[str, list[Any]], None], list[tuple[str, str]]]]:
    """Statements on the hub's rows of the organisation in one transaction, and which rows of which
    tables these are."""
    with closing(sqlite3.connect(desk.hub.folder / "hub.db", timeout=30)) as db, db:
        db.execute("pragma synchronous = off")
        (own,) = db.execute("select seq from organisation where name = ?", (desk.name,)).fetchone()
        made = [name for (name,) in db.execute("select name from pragma_table_list")]
        tables = list(_CHILDREN.items())
        for name in made:
            columns = [row[1] for row in db.execute(f"pragma table_info({name})")]
            if "organisation" in columns:
                tables.append((name, _OWN))

        def execute(sql: str) -> sqlite3.Cursor:
            return db.execute(sql, {"own": own})

        def fill(table: str, rows: list[Any]) -> None:
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                db.executemany(f"insert into {table} values ({marks})", rows)

        yield execute, fill, tables
