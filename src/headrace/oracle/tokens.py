"""Salted tokens: stand for values in a recording, and say only which values are equal."""

from __future__ import annotations

import hashlib

_SIZE = 6


class Tokens:
    """Makes the tokens of one recording.

    The salt is a secret of the recording process. It is never written, so that nobody can try out
    which name or amount a token stands for.
    """

    def __init__(self, salt: bytes) -> None:
        """`salt` has 16 to 64 random bytes, and is forgotten with this object."""
        self._salt = salt

    def of(self, text: str) -> str:
        """Return the token of a text: `~` and twelve hexadecimal digits."""
        raw = text.encode("utf-8", "surrogatepass")
        return "~" + hashlib.blake2b(raw, digest_size=_SIZE, key=self._salt).hexdigest()
