"""The shadow hub: a hub's API inside this process, without pages or a port, deleted at the end."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headrace.model.clock import SYSTEM_CLOCK, format_instant
from headrace.oracle.player import Played
from headrace.server.admission.doors import door_for
from headrace.server.admission.limits import OFF
from headrace.server.app import Hub
from headrace.server.description.openapi import openapi_document
from headrace.server.faults.scripts import Faults
from headrace.server.pdf.keeper import PdfKeeper
from headrace.store.admin.frozen_clock import Times
from headrace.store.admin.keys import KeyPair, make_key
from headrace.store.engine.interface import Store
from headrace.store.engine.place import PDFS, Place, open_store
from headrace.store.pdf_files import FolderPdfs
from headrace.store.records.organisations import make_organisation

STAND_INS = "stand-ins"
"""The organisation of made-up records."""


class Seat:
    """One organisation of a shadow hub, as a player."""

    def __init__(self, hub: Hub, pair: KeyPair) -> None:
        self._hub = hub
        self._keys = [(b"x-api-key", pair.key.encode()), (b"x-api-secret", pair.secret.encode())]

    async def play(self, method: str, target: str, body: bytes, content_type: str) -> Played:
        """Answer a request as a hub does. Limits are off."""
        path, _, query = target.partition("?")
        headers = [*self._keys, (b"host", b"shadow"), (b"content-length", b"%d" % len(body))]
        if content_type:
            headers.append((b"content-type", content_type.encode("latin-1")))
        raw = f"/v1{path}".encode("latin-1")
        scope: dict[str, Any] = {
            "type": "http", "method": method, "raw_path": raw, "path": raw.decode("latin-1"),
            "query_string": query.encode("latin-1"), "headers": headers, "scheme": "http",
            "server": ("shadow", 80),
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._hub(scope, receive, send)
        start, *parts = sent
        named = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Played(start["status"], named, b"".join(part.get("body", b"") for part in parts))


class Shadow:
    """A hub with an organisation for made-up records and one for each client."""

    def __init__(self, store: Store, hub: Hub) -> None:
        self._store = store
        self._hub = hub

    async def seat(self, organisation: str) -> Seat:
        """Make an organisation."""
        now = format_instant(SYSTEM_CLOCK.now())

        def make(db: Any) -> KeyPair:
            make_organisation(db, organisation, "EUR", "UTC", now)
            return make_key(db, organisation, now)

        return Seat(self._hub, await self._store.write(0, make))


def description() -> bytes:
    """The OpenAPI document of the shadow hub."""
    return openapi_document()


@contextlib.contextmanager
def shadow_hub() -> Iterator[Shadow]:
    """Open a shadow hub; its folder, readable by its owner only, is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="headrace-shadow-") as name:
        place = Place(folder=Path(name))
        store = open_store(place, durable=False)
        try:
            times = Times(SYSTEM_CLOCK, test_mode=False)
            keeper = PdfKeeper(store, FolderPdfs(Path(name) / PDFS), SYSTEM_CLOCK)
            door = door_for(store, SYSTEM_CLOCK, OFF)
            yield Shadow(store, Hub(store, times, door, keeper, faults=Faults(may_exit=False)))
        finally:
            store.close()
