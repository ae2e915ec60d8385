"""Links to PDFs when time passes, and the storage of PDFs when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import pytest

from headrace.server.admission.doors import door_for
from headrace.server.admission.limits import OFF
from headrace.server.app import Hub
from headrace.server.pdf.keeper import PdfKeeper
from headrace.store.admin.frozen_clock import Times
from headrace.store.engine.sqlite import SqliteStore
from headrace.store.pdf_files import FolderPdfs
from headrace.testkit.hub import make_keys

FORM = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n%PDF-1\r\n--b--\r\n'


class HandClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    def sleep(self, seconds: float) -> Awaitable[None]:
        return asyncio.sleep(0)


class FlakyPdfs(FolderPdfs):
    """A storage that fails in the operation that `broken` names."""

    broken = ""

    def write(self, name: str, content: IO[bytes]) -> None:
        if self.broken == "write":
            raise OSError("no space left")
        super().write(name, content)

    def open(self, name: str) -> IO[bytes]:
        if self.broken == "open":
            raise OSError("unreachable")
        return super().open(name)

    def remove(self, name: str) -> None:
        if self.broken == "remove":
            raise OSError("unreachable")
        super().remove(name)


class Inside:
    """A hub that is called within this process, without a socket."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.files = FlakyPdfs(folder / "pdfs")
        self.store = SqliteStore(folder / "hub.db")
        pair = make_keys(folder, "one")
        self.keys = [(b"x-api-key", pair.key.encode()), (b"x-api-secret", pair.secret.encode())]
        door = door_for(self.store, self.clock, OFF)
        self.hub = Hub(
            self.store,
            Times(self.clock),
            door,
            PdfKeeper(self.store, self.files, self.clock),
        )

    async def call(
        self, method: str, url: str, body: bytes = b"", kind: bytes = b"application/json"
    ) -> tuple[int, bytes]:
        parts = urlsplit(url)
        sent: list[Any] = []
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(b"host", b"hub.test"), (b"content-type", kind), *self.keys],
        }

        whole = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            if whole:
                return whole.pop()
            return await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Any) -> None:
            sent.append(message)

        await self.hub(scope, receive, send)
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])

    async def invoice(self, name: str) -> None:
        head = b'{"externalId": "C", "name": "C"}'
        await self.call("POST", "/v1/customers", head)
        text = (
            f'{{"externalId": "{name}", "customId": "1", "issuedAt": "2026-01-01", "dueDate": '
            '"2026-01-01", "currency": "EUR", "grossAmount": 1, "netAmount": 1, '
            '"customer": {"externalId": "C"}}'
        )
        assert (await self.call("POST", "/v1/invoices", text.encode()))[0] == 201

    async def upload(self, name: str) -> int:
        kind = b"multipart/form-data; boundary=b"
        path = f"/v1/invoices/external:{name}/pdf"
        return (await self.call("POST", path, FORM, kind))[0]

    async def url(self, name: str) -> str:
        _, body = await self.call("GET", f"/v1/invoices/external:{name}")
        return body.decode().partition('"pdfUrl":"')[2].partition('"')[0]

    def names(self) -> list[str]:
        folder = self.files._folder
        return [path.name for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def run(tmp_path: Path) -> Any:
    inside = Inside(tmp_path)

    def go(story: Callable[[Inside], Awaitable[None]]) -> None:
        async def told() -> None:
            await story(inside)
            await inside.hub._keeper.close()

        asyncio.run(told())

    yield go
    inside.store.close()


def test_a_link_expires_and_stays_the_same_for_an_hour(run: Any) -> None:
    async def story(hub: Inside) -> None:
        await hub.invoice("A")
        assert await hub.upload("A") == 204
        url = await hub.url("A")
        assert url.startswith("http://hub.test/pdf/")
        hub.clock.moment += timedelta(minutes=29)
        assert await hub.url("A") == url
        hub.clock.moment += timedelta(minutes=2)
        assert await hub.url("A") != url
        hub.clock.moment += timedelta(minutes=58)
        assert await hub.call("GET", url) == (200, b"%PDF-1")
        hub.clock.moment += timedelta(minutes=1)
        status, body = await hub.call("GET", url)
        assert status == 403
        assert b"This link has expired: read the document again for a new pdfUrl." in body

    run(story)


def test_failing_storage_is_503_and_nothing_is_lost(run: Any) -> None:
    async def story(hub: Inside) -> None:
        await hub.invoice("A")
        hub.files.broken = "write"
        assert await hub.upload("A") == 503
        assert await hub.url("A") == ""
        hub.files.broken = ""
        assert await hub.upload("A") == 204
        hub.files.broken = "open"
        assert (await hub.call("GET", await hub.url("A")))[0] == 503
        hub.files.broken = "remove"
        assert (await hub.call("DELETE", "/v1/invoices/external:A"))[0] == 204
        await asyncio.wait([hub.hub._keeper._sweeping])
        assert len(hub.names()) == 1, "left for later"
        await hub.invoice("B")
        assert await hub.upload("B") == 204
        assert len(hub.names()) == 2, "the doomed file is not used again"
        hub.files.broken = ""
        hub.hub._keeper.sweep()
        await asyncio.wait([hub.hub._keeper._sweeping])
        assert len(hub.names()) == 1
        assert await hub.call("GET", await hub.url("B")) == (200, b"%PDF-1")

    run(story)


def test_an_upload_that_a_crash_cut_off_is_removed_after_an_hour(run: Any) -> None:
    async def story(hub: Inside) -> None:
        keeper = hub.hub._keeper
        await hub.invoice("A")
        write = hub.store.write

        def stopped(organisation: int, do: Any, *arguments: Any) -> Any:
            if do.__name__ == "attach_pdf":
                raise KeyboardInterrupt
            return write(organisation, do, *arguments)

        hub.store.write = stopped  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            await hub.upload("A")
        hub.store.write = write  # type: ignore[method-assign]
        for minutes, left in ((59, 1), (2, 0)):
            hub.clock.moment += timedelta(minutes=minutes)
            keeper.sweep()
            await asyncio.wait([keeper._sweeping])
            assert len(hub.names()) == left

    run(story)


def test_a_file_that_was_removed_during_an_upload_is_written_again(run: Any) -> None:
    async def story(hub: Inside) -> None:
        keeper = hub.hub._keeper
        await hub.invoice("A")
        write = hub.store.write
        attached = []

        async def slow(organisation: int, do: Any, *arguments: Any) -> Any:
            if do.__name__ == "attach_pdf":
                attached.append(arguments)
                if len(attached) == 1:
                    hub.clock.moment += timedelta(hours=2)
                    keeper.sweep()
                    await asyncio.wait([keeper._sweeping])
                    assert hub.names() == []
            return await write(organisation, do, *arguments)

        hub.store.write = slow  # type: ignore[method-assign,assignment]
        assert await hub.upload("A") == 204
        hub.store.write = write  # type: ignore[method-assign]
        assert len(attached) == 2
        assert await hub.call("GET", await hub.url("A")) == (200, b"%PDF-1")

    run(story)
