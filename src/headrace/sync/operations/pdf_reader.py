"""Reads one PDF from its location, with limits on place, size and time."""

from __future__ import annotations

import asyncio
import importlib
import os
import queue
import socket
import tempfile
import threading
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from headrace.book.payloads.pdf_places import PdfPlaces
from headrace.client.proxies import any_named, goes_by_proxy
from headrace.model.lazy import lazily

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = lazily("aiohttp")

T = TypeVar("T")

MAX_BYTES = 100_000_000
"""Maximum size of a PDF in bytes."""
_CHUNK = 1 << 16
_IN_MEMORY = 4_000_000
"""Maximum size in bytes kept in memory; larger files go to a temporary file."""
_SECONDS = 60.0
"""Time limit for a whole PDF."""
_SILENT_SECONDS = 10.0
"""Time limit for a connection, and without a byte."""
_REDIRECTS = 5


class Unreadable(Exception):
    """The PDF can't be read; the message says why, without its location."""


def file_parts(places: PdfPlaces, path: Path) -> Iterator[bytes]:
    """Yield the content of a regular file, exactly the bytes that it had when it was opened.

    Raises Unreadable if it is not a regular file, not allowed, too large, or changes meanwhile.
    """
    try:
        with os.fdopen(places.open_file(path), "rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            _check_size(before.st_size)
            left = before.st_size
            while part := file.read(_CHUNK):
                left -= len(part)
                if left < 0:
                    break
                yield part
            after = os.fstat(file.fileno())
    except ValueError as error:
        raise Unreadable(str(error)) from None
    except OSError as error:
        raise Unreadable(_reason(error)) from None
    changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
    if left or changed:
        raise Unreadable("it changes while it is read")


async def read_pdf(places: PdfPlaces, location: str) -> IO[bytes]:
    """Return a copy of the PDF, at its beginning. Raises Unreadable."""
    if (objection := places.objection(location)) is not None:
        raise Unreadable(f"it has a location {objection}")
    path = places.path(location)
    if path is not None:
        return await _in_time(lambda: _copied(file_parts(places, path)))
    if location.lower().startswith(("http://", "https://")):
        return await _download(places, location)
    # Loading the driver may take seconds on a busy machine, so the time limit starts after it.
    await asyncio.to_thread(_load_driver, location)
    return await _in_time(lambda: _copied(_stored_parts(location)))


def _load_driver(location: str) -> None:
    try:
        fsspec = importlib.import_module("fsspec")
        fsspec.get_filesystem_class(location.partition("://")[0])
    except Exception as error:
        raise Unreadable(" ".join(str(error).split()) or type(error).__name__) from None


def _copied(parts: Iterator[bytes]) -> IO[bytes]:
    file = _empty_file()
    for part in parts:
        file.write(part)
    file.seek(0)
    return file


def _stored_parts(location: str) -> Iterator[bytes]:
    """Yield the content at an address that fsspec supports."""
    try:
        size = 0
        with _opened(location) as file:
            while part := file.read(_CHUNK):
                size += len(part)
                _check_size(size)
                yield part
    except Unreadable:
        raise
    except Exception as error:  # each of its file systems raises errors of its own
        raise Unreadable(" ".join(str(error).split()) or type(error).__name__) from None


def _opened(location: str) -> IO[bytes]:
    """Open an address that fsspec supports. Raises errors of its file system.

    For as long as the process lives, fsspec keeps one file system per kind of address, with the
    endpoint and the credentials of its first use. If these no longer work, a loop that runs for
    months would deliver no PDF any more, so a failure is tried again with a new file system.
    """
    fsspec = importlib.import_module("fsspec")
    try:
        file: IO[bytes] = fsspec.open(location, "rb").open()
    except FileNotFoundError:
        raise
    except Exception:
        fsspec.get_filesystem_class(location.partition("://")[0]).clear_instance_cache()
        file = fsspec.open(location, "rb").open()
    return file


def in_time(work: Callable[[], T], seconds: float) -> T:
    """Return the result of `work`, run on a thread of its own. Raises TimeoutError.

    A thread that hangs, for example on a network drive, is abandoned; it does not delay the exit of
    the process.
    """
    made: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            made.put((work(), None))
        except BaseException as error:
            made.put((None, error))

    threading.Thread(target=run, daemon=True, name="pdf").start()
    try:
        result, error = made.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return typing.cast(T, result)


async def _in_time(work: Callable[[], IO[bytes]]) -> IO[bytes]:
    """Like `in_time`, without blocking the event loop. Raises Unreadable when time is up."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[IO[bytes]] = loop.create_future()

    def say(result: IO[bytes] | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        elif result is not None:
            done.set_result(result)

    def run() -> None:
        result: IO[bytes] | None = None
        trouble: BaseException | None = None
        try:
            result = work()
        except BaseException as error:
            trouble = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(say, result, trouble)

    threading.Thread(target=run, daemon=True, name="pdf").start()
    try:
        return await asyncio.wait_for(done, _SECONDS)
    except TimeoutError:
        raise Unreadable(f"it was not read within {_SECONDS:.0f} s") from None


async def _download(places: PdfPlaces, url: str) -> IO[bytes]:
    refused: list[str] = []
    timeout = aiohttp.ClientTimeout(
        total=_SECONDS, sock_connect=_SILENT_SECONDS, sock_read=_SILENT_SECONDS
    )
    try:
        for _ in range(_REDIRECTS + 1):
            # With a proxy, the proxy resolves names, so the address can't be checked here.
            guard = None if goes_by_proxy(url) else _guard(places, url, refused)
            connector = aiohttp.TCPConnector(socket_factory=guard)
            async with aiohttp.ClientSession(
                timeout=timeout, connector=connector, trust_env=any_named()
            ) as session:
                file, elsewhere = await _get(session, url)
            if file is not None:
                return file
            url = urljoin(url, elsewhere)
            if places.objection(url) is not None:
                host = urlsplit(url).hostname or "elsewhere"
                raise Unreadable(f"it redirects to {host}, which `documents` does not name")
    except aiohttp.ClientHttpProxyError as error:
        raise Unreadable(f"the proxy answered {error.status}") from None
    except aiohttp.ClientResponseError as error:
        raise Unreadable(f"status {error.status} {error.message}".rstrip()) from None
    except (OSError, ValueError, aiohttp.ClientError, TimeoutError) as error:
        if refused:
            raise Unreadable(f"{refused[-1]}, which `documents` does not name") from None
        raise Unreadable(_reason(error)) from None
    raise Unreadable(f"it redirects more than {_REDIRECTS} times")


async def _get(session: aiohttp.ClientSession, url: str) -> tuple[IO[bytes] | None, str]:
    """Return the content, or the address of a redirect."""
    async with session.get(url, allow_redirects=False) as answer:
        if 300 <= answer.status < 400 and "Location" in answer.headers:
            return None, answer.headers["Location"]
        if answer.status != 200:
            answer.raise_for_status()
            raise Unreadable(f"status {answer.status}")
        file = _empty_file()
        async for part in answer.content.iter_chunked(_CHUNK):
            file.write(part)
            _check_size(file.tell())
    file.seek(0)
    return file, ""


def _guard(
    places: PdfPlaces, url: str, refused: list[str]
) -> Callable[[tuple[Any, ...]], socket.socket]:
    """Return a factory of sockets for `url` that connects to allowed addresses only.

    The check is made on the address of the connection itself. Resolving the name first and
    connecting afterwards would leave time for the name to change.
    """
    host = urlsplit(url).hostname or ""

    def make(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = info
        if not places.admits(host, address[0]):
            refused.append(f"{host} is at the private address {address[0]}")
            raise PermissionError(refused[-1])
        return socket.socket(family, kind, protocol)

    return make


def _empty_file() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise Unreadable(f"it has more than {MAX_BYTES:,} bytes")


def _reason(error: Exception) -> str:
    """Return the system's message, without error number and path."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
