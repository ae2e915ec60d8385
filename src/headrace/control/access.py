"""Access to the control plane: a token, and by default only from this machine."""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from headrace.model.errors import ConfigurationError, Forbidden, InvalidKey

TOKEN_FILE = "control-token"
"""File in the data folder that holds the token; readable by its owner only."""
TOKEN_VARIABLE = "HEADRACE_CONTROL_TOKEN"

Reach = Literal["loopback", "anywhere"]

_BEARER = "bearer "
_PROXIED = (
    "forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip",
    "fastly-client-ip", "x-cluster-client-ip", "x-original-host", "x-request-start",
)  # fmt: skip
_PROXIED_START = ("x-forwarded", "x-envoy", "x-original-forwarded")
"""Headers that proxies add."""


class Access(Struct, frozen=True):
    """The token, and whether other machines may use it."""

    token: str
    reach: Reach = "loopback"

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Whether the request carries the token."""
        given = headers.get("authorization", "")
        token = given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else ""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def check(self, peer: str | None, headers: Mapping[str, str]) -> None:
        """Raise Forbidden for a request from another machine, InvalidKey for a missing or wrong
        token."""
        if self.reach == "loopback" and not (_is_loopback(peer) and _is_direct(headers)):
            raise Forbidden(
                "The control plane serves its own machine only, and no proxy: start the hub with "
                "--control anywhere to change that."
            )
        if not self.knows(headers):
            raise InvalidKey(
                f"The control plane needs the header Authorization: Bearer and its token, which is "
                f"in the file {TOKEN_FILE} of the data folder, or in {TOKEN_VARIABLE} of the hub. "
                "Keys of the API do not open it."
            )


def find_token(folder: Path | None, environment: Mapping[str, str] = os.environ) -> str:
    """Return the existing token: from the environment, else from the data folder.

    Raises ConfigurationError when there is none.
    """
    if token := environment.get(TOKEN_VARIABLE, "").strip():
        return token
    path = folder / TOKEN_FILE if folder else None
    if path is None or not path.exists():
        raise ConfigurationError(
            f"There is no token of the control plane: name the hub's data folder (--data), where "
            f"`headrace serve` keeps it in {TOKEN_FILE}, or set {TOKEN_VARIABLE}."
        )
    try:
        token = path.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}.") from None
    if not token:
        raise ConfigurationError(f"{path} is empty: remove it, the hub makes a new one.")
    return token


def make_token(folder: Path | None, environment: Mapping[str, str] = os.environ) -> str:
    """Return the token like `find_token`, creating the file when there is none. Raises
    ConfigurationError."""
    if folder is not None and not environment.get(TOKEN_VARIABLE, "").strip():
        path = folder / TOKEN_FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return find_token(folder, environment)
        except OSError as error:
            raise ConfigurationError(f"{path} can't be made: {error.strerror}.") from None
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    return find_token(folder, environment)


def _is_loopback(peer: str | None) -> bool:
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        return False
    # A dual-stack socket shows IPv4 addresses inside IPv6 ones.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _is_direct(headers: Mapping[str, str]) -> bool:
    """Whether there is no proxy: a proxy on this machine connects from loopback on behalf of any
    client."""
    return not any(name in headers for name in _PROXIED) and not any(
        name.lower().startswith(_PROXIED_START) for name in headers
    )
