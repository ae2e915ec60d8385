"""The places that `documents` in the project file allows PDFs in: folders, addresses, networks."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import unquote, urlsplit

from msgspec import Struct

_PORTS = {"http": 80, "https": 443}
_IN_BRACKETS = re.compile(r"\[[^]]*\]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Address(Struct, frozen=True):
    """A scheme with a host or bucket; everything below the path is allowed."""

    scheme: str
    host: str = ""
    """Empty for any host of the scheme."""
    port: int | None = None
    path: str = ""
    """Without a trailing slash."""

    @property
    def is_web(self) -> bool:
        """Whether it is fetched over HTTP."""
        return self.scheme in _PORTS

    def holds(self, other: Address) -> bool:
        """Whether `other` is inside this place."""
        if self.scheme != other.scheme:
            return False
        if not self.host:
            return True
        same = (self.host, self.port) == (other.host, other.port)
        return same and (other.path == self.path or other.path.startswith(self.path + "/"))


class Folder(Struct, frozen=True):
    """A folder and everything below it; a relative one starts from the project's."""

    path: str


Network = IPv4Network | IPv6Network
PdfPlace = Folder | Address | Network


def scheme_of(location: str) -> str:
    """Return `https`, `s3`, …, in lower case; empty for a path."""
    found = _SCHEME.match(location)
    return found[1].lower() if found else ""


def file_path(location: str) -> str:
    """Return the path of an address file://…. Raises ValueError for an invalid one."""
    return unquote(urlsplit(location).path)


def parse_address(location: str) -> Address:
    """Parse the parts of an address that decide whether it is allowed. Raises ValueError for an
    invalid address.

    Paths that climb (`..`) and nested file systems (`zip://…::https://…`) are invalid.
    """
    parts = urlsplit(location)
    path = unquote(parts.path)
    chained = "::" in _IN_BRACKETS.sub("", location.partition("?")[0])
    if chained or ".." in re.split(r"[/\\]", path):
        raise ValueError("no plain address")
    scheme = parts.scheme.lower()
    return Address(scheme, parts.hostname or "", parts.port or _PORTS.get(scheme), path.rstrip("/"))


def parse_pdf_place(text: str) -> PdfPlace:
    """Parse one entry of `documents`. Raises ValueError that says what an entry may be."""
    scheme = scheme_of(text)
    if not text.strip():
        raise ValueError("documents must not have empty entries")
    if not scheme:
        try:
            return ip_network(text)
        except ValueError:
            return Folder(text)
    try:
        if scheme == "file":
            return Folder(file_path(text))
        address = parse_address(text)
    except ValueError:
        raise ValueError(_no_address(scheme)) from None
    if "@" in urlsplit(text).netloc:
        raise ValueError("documents must not hold a user or password")
    if address.is_web and not address.host:
        raise ValueError(f"documents must name the host: {scheme}://files.example.com")
    return address


def _no_address(scheme: str) -> str:
    return f"documents has an entry {scheme}://… that is no address"
