"""A database's address, and messages about it that show no secret."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

_SECRET_PARAMETERS = re.compile(r"(?i)pass|pwd|secret|token|key$|credential")
_LONG = 8
"""A secret of that many characters is hidden wherever it is; a shorter one only as a whole word,
because it may also be a part of ordinary words."""


class Address:
    """`scheme://user:password@host:port/database?parameters`.

    The password may contain any character, even where it should have been percent-encoded: it
    extends to the last `@` before the parameters.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.scheme, _, rest = url.partition("://")
        front, at, behind = rest.rpartition("@")
        if at and "?" in front and re.search(r"\?\w+=[^@]*$", front) and "/" in front:
            front, behind = "", rest  # the @ is in a parameter
        self._user, _, self._password = front.partition(":")
        path, _, self._query = behind.partition("?")
        self.host_and_port, _, database = path.partition("/")
        self.database = unquote(database)

    @property
    def user(self) -> str:
        """Return the user, decoded; empty when there is none."""
        return unquote(self._user)

    @property
    def password(self) -> str:
        """Return the password, decoded; empty when there is none."""
        return unquote(self._password)

    @property
    def host(self) -> str:
        """Return the host, without the brackets of an IPv6 address."""
        return self._host_port[0]

    @property
    def port(self) -> int | None:
        """Return the port; None when it is not said. Raises ValueError if it is no number."""
        port = self._host_port[1]
        return int(port) if port else None

    @property
    def _host_port(self) -> tuple[str, str]:
        found = re.fullmatch(r"\[(.*)\](?::(.*))?|([^:]*)(?::(.*))?", self.host_and_port)
        if found is None:
            return self.host_and_port, ""
        return unquote(found[1] or found[3] or ""), found[2] or found[4] or ""

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Return the parameters behind the question mark."""
        return dict(parse_qsl(self._query, keep_blank_values=True))

    @property
    def shown(self) -> str:
        """Return host, port and database, for messages: no user, password or parameter."""
        return f"{self.host_and_port}/{self.database}" if self.database else self.host_and_port

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return everything that must not be shown, as it may appear in a driver's message."""
        found = {self._password, self.password}
        for name, value in self.parameters.items():
            if is_secret(name):
                found |= {value}
        found |= set(re.findall(r"(?i)\b(?:password|passwd|pwd)=([^&\s]*)", self._query))
        # Where a password is not encoded, drivers show the pieces that they took for something
        # else.
        found |= {part for part in re.split(r"[/?#@:\[\]]", self._password) if len(part) > 2}
        return (self.url, *sorted(found - {""}, key=len, reverse=True))


def is_secret(name: str) -> bool:
    """Whether a parameter or option of that name holds a secret."""
    return _SECRET_PARAMETERS.search(name) is not None


def masked(words: str, secrets: Iterable[str]) -> str:
    """Return the words with `***` for each secret, as a whole value and never within a word."""
    for secret in sorted(set(secrets) - {""}, key=len, reverse=True):
        text = re.escape(secret)
        if len(secret) < _LONG:
            before = r"(?<!\w)" if secret[0].isalnum() or secret[0] == "_" else ""
            behind = r"(?!\w)" if secret[-1].isalnum() or secret[-1] == "_" else ""
            text = before + text + behind
        words = re.sub(text, "***", words)
    return words


def secrets_in(value: Any) -> tuple[str, ...]:
    """Return the texts of options whose names are those of secrets."""
    found: list[str] = []
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str) and is_secret(key):
                found.append(inner)
            found += secrets_in(inner)
    elif isinstance(value, list):
        for inner in value:
            found += secrets_in(inner)
    return tuple(found)
