"""A hub that is called within the test's own thread: no socket, and a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from headrace.model.clock import SystemClock, format_instant
from headrace.server.admission.doors import door_for
from headrace.server.admission.limits import parse_limits
from headrace.server.app import Hub
from headrace.server.pdf.keeper import PdfKeeper
from headrace.store.admin.check import check_database
from headrace.store.admin.frozen_clock import Times
from headrace.store.admin.keys import KeyPair, make_key
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.engine.place import Place, open_store
from headrace.store.pdf_files import FolderPdfs
from headrace.store.records.directory import make_user
from headrace.store.records.organisations import find_organisation, make_organisation

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class MovedClock(SystemClock):
    """Stands still until it is moved."""

    moment = START

    def now(self) -> datetime:
        return self.moment

    def move(self, days: int) -> None:
        self.moment += timedelta(days=days)


class Inside:
    """One hub, any number of organisations; `headers` say whose requests are next."""

    def __init__(self, place: Place) -> None:
        assert place.folder is not None
        self.place = place
        self.clock = MovedClock()
        self.headers: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._store = open_store(place)
        self._door = door_for(self._store, self.clock, parse_limits("off"))
        keeper = PdfKeeper(self._store, FolderPdfs(place.folder / "pdfs"), self.clock)
        self._hub = Hub(self._store, Times(self.clock), self._door, keeper)
        self._made = 0
        self.user = ""
        """The id of the organisation's one user."""

    def new_organisation(self) -> None:
        """One with a user and nothing else, whose requests are next; the clock starts anew."""
        self._made += 1
        name = f"organisation-{self._made}"
        self.clock.moment = START

        def made(db: Connection) -> tuple[KeyPair, str]:
            make_organisation(db, name, "EUR", "UTC", format_instant(START))
            organisation = find_organisation(db, name)
            assert organisation is not None
            user = make_user(db, Context(organisation, START), email="m@x.io")
            return make_key(db, name, format_instant(START)), user.id

        pair, self.user = self.write(made)
        self.headers = {"X-Api-Key": pair.key, "X-Api-Secret": pair.secret}

    def write(self, run: Callable[[Connection], Any]) -> Any:
        """What an administrator does beside the API."""

        async def written() -> Any:
            return await self._store.write(0, run)

        return self._loop.run_until_complete(written())

    def findings(self) -> list[str]:
        """What the check of the whole database says."""
        return self._loop.run_until_complete(self._checked())

    async def _checked(self) -> list[str]:
        def look(db: Connection) -> list[str]:
            return [str(finding) for finding in check_database(db)]

        return await self._store.scan(look)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and decoded body; None for an empty one."""
        return self._loop.run_until_complete(self._call(method, path, body))

    async def _call(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        data = b"" if body is None else json.dumps(body).encode()
        where, _, query = path.partition("?")
        sent = {**self.headers, "Content-Type": "application/json"}
        scope = {
            "type": "http", "method": method, "path": f"/v1{where}", "scheme": "http",
            "raw_path": f"/v1{where}".encode(), "query_string": query.encode(),
            "server": ("hub.test", 80),
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        }  # fmt: skip
        parts: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Any) -> None:
            parts.append(message)

        await self._hub(scope, receive, send)
        raw = b"".join(part.get("body", b"") for part in parts)
        return parts[0]["status"], json.loads(raw) if raw else None

    def close(self) -> None:
        self._loop.run_until_complete(self._hub._keeper.close())
        self._loop.run_until_complete(self._door.close())
        self._store.close()
        self._loop.close()


@contextmanager
def inside(url: str | None) -> Iterator[Inside]:
    """On SQLite, or on the PostgreSQL database of that URL."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hub-")))
        made = Inside(Place(folder=folder, url=url))
        stack.callback(made.close)
        yield made
