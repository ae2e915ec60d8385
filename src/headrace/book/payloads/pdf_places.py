"""Decides which locations of PDFs may be read. A source is untrusted data and may name any
location.

Allowed are locations below the project's folder, and in the places that `documents` names. A
location is checked twice: as text, when the book is built, and with links resolved, when it is
opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

from headrace.model.pdf_place import (
    Address,
    Folder,
    Network,
    file_path,
    parse_address,
    parse_pdf_place,
    scheme_of,
)

_NO_ADDRESS = "which is no plain address"
_UNNAMED = "in no place that `documents` names"
_NAT64 = ip_network("64:ff9b::/96")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A FIFO without a writer, or a device, must not block the process that opens it.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC


class PdfPlaces:
    """The allowed places of one organisation; relative paths, of files and places, start from
    `folder`."""

    def __init__(self, folder: Path, documents: Sequence[str] = ()) -> None:
        """Raises ValueError as `parse_pdf_place` does."""
        self.folder = folder.absolute()
        places = [parse_pdf_place(text) for text in documents]
        named = [self.folder / place.path for place in places if isinstance(place, Folder)]
        self._roots = [os.path.normpath(path) for path in (self.folder, *named)]
        self._addresses = [place for place in places if isinstance(place, Address)]
        self._networks = [place for place in places if isinstance(place, Network)]

    def path(self, location: str) -> Path | None:
        """Return the file that a location names; None for other addresses, and for what is none."""
        scheme = scheme_of(location)
        if not scheme:
            return self.folder / location
        try:
            return Path(file_path(location)) if scheme == "file" else None
        except ValueError:
            return None

    def objection(self, location: str) -> str | None:
        """Return why the location's text alone is refused, or None."""
        if "\0" in location:
            return "which is no name of a file"
        path = self.path(location)
        if path is not None and (scheme_of(location) or "://" not in location):
            return None if _below(os.path.normpath(path), self._roots) else _UNNAMED
        try:
            address = parse_address(location)
        except ValueError:
            return _NO_ADDRESS
        return None if any(place.holds(address) for place in self._addresses) else _UNNAMED

    def open_file(self, path: Path) -> int:
        """Open the regular file at `path` for reading, without blocking; returns its descriptor.
        Raises OSError.

        Links are resolved first and must end below an allowed folder. Then every step is opened
        without following links, so that nobody can insert one in between.
        """
        real = os.path.realpath(path)
        root = next((r for r in map(os.path.realpath, self._roots) if _below(real, [r])), None)
        if root is None:
            raise PermissionError(f"it leads to a file {_UNNAMED}")
        *folders, name = Path(os.path.relpath(real, root)).parts or (".",)
        step = os.open(root, _DIRECTORY)
        try:
            for folder in folders:
                inner = os.open(folder, _DIRECTORY, dir_fd=step)
                os.close(step)
                step = inner
            descriptor = os.open(name, _FILE, dir_fd=step)
        finally:
            os.close(step)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise PermissionError("it is no regular file")
        return descriptor

    def admits(self, host: str, address: str) -> bool:
        """Whether a connection for `host`, which `documents` names, may go to this IP address.

        Public addresses are allowed. Others are allowed only when the host is written as an
        address, is `localhost` and the address is this machine's, or when their network is named.
        """
        ip = _unwrapped(ip_address(address.partition("%")[0]))
        if ip.is_global and not ip.is_multicast:
            return True
        try:
            literal = ip_address(host.strip("[]"))
        except ValueError:
            literal = None
        if literal is not None and _unwrapped(literal) == ip:
            return True
        if host.lower() == "localhost" and ip.is_loopback:
            return True
        return any(ip in network for network in self._networks)


def _below(path: str, roots: Sequence[str]) -> bool:
    return any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots)


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address embeds, if any."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
