"""Tokens of an API, kept in a file of their own from one round to the next.

A refresh token that rotates works once: whoever loses the new one has to authorise again. So it is
kept neither in the book, which is a cache that may be deleted at any time, nor in what a reading
leaves behind, which is only kept when the reading has succeeded. It is written and flushed to the
disk before it is used. The file can be read by its owner only.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct


def token_file(data: Path, organisation: str, system: str) -> Path:
    """Return where the tokens of an organisation's account are unless an option names another
    file; `data` is the folder of the books and journals."""
    return data / f"{organisation}.{system}.tokens"


class Tokens(Struct, frozen=True, kw_only=True):
    """What is kept of one account."""

    origin: str = ""
    """A hash of the refresh token in the options from which these tokens descend."""
    refresh_token: str
    access_token: str = ""
    expires: float = 0.0
    """When the access token ends, in seconds since 1970."""


class TokenFile:
    """The tokens that descend from one refresh token."""

    def __init__(self, path: Path, first: str) -> None:
        """`first` is the refresh token of the options, used until the file has a newer one. With
        another one in the options, what the file has is forgotten."""
        self._path = path
        self._first = first
        self._origin = hashlib.blake2b(first.encode(), digest_size=16).hexdigest()

    def read(self) -> Tokens:
        """Return the newest tokens. Raises RuntimeError for a file that can't be read."""
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=Tokens)
        except FileNotFoundError:
            kept = None
        except (OSError, msgspec.DecodeError) as error:
            raise RuntimeError(
                f"The file of tokens {self._path} can't be read: {error}. Restore it, or delete it "
                "and set a new refresh_token"
            ) from None
        if kept is None or kept.origin != self._origin:
            return Tokens(origin=self._origin, refresh_token=self._first)
        return kept

    def write(self, tokens: Tokens) -> None:
        """Keep these tokens; they are on the disk when this returns. Raises RuntimeError."""
        fresh = self._path.with_name(f".{self._path.name}.new")
        try:
            content = msgspec.json.encode(msgspec.structs.replace(tokens, origin=self._origin))
            made = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(made, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise _unusable(self._path, error) from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes of this machine from renewing the same tokens meanwhile.

        Raises RuntimeError if the folder can't be written, before any token is used up.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self._path.with_name(f".{self._path.name}.lock")
            handle = os.open(lock, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unusable(self._path, error) from None
        with os.fdopen(handle, "wb"):
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _unusable(path: Path, error: OSError) -> RuntimeError:
    return RuntimeError(
        f"The file of tokens {path} can't be written: {error.strerror}. Name another one with the "
        "option auth_file"
    )
