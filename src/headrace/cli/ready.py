"""What `headrace serve` says when it accepts requests, for people and for programs."""

from __future__ import annotations

import os
import sys

import msgspec
from msgspec import Struct

from headrace.control.route import BASE
from headrace.store.admin.keys import KeyPair


class Ready(Struct, frozen=True, rename="camel"):
    """The line of `--json`."""

    url: str
    """The base of the API."""
    control_url: str | None
    """The base of the control plane; null when it is off."""
    pid: int
    """The process to send SIGTERM to."""
    data: str | None
    """The data folder."""
    organisation: str | None = None
    """Of a hub that is ephemeral; as the next three."""
    key: str | None = None
    secret: str | None = None
    control_token: str | None = None


def announce(origin: str, data: str | None, token: str | None, pair: KeyPair | None) -> Ready:
    """Return what there is to say of this process; `token` is that of the control plane."""
    about = Ready(f"{origin}/v1", f"{origin}{BASE}" if token else None, os.getpid(), data)
    if pair is None:
        return about
    return msgspec.structs.replace(
        about,
        organisation=pair.organisation,
        key=pair.key,
        secret=pair.secret,
        control_token=token,
    )


def say(origin: str, about: Ready, json: bool) -> None:
    """Print that the hub accepts requests, at once."""
    if json:
        print(msgspec.json.encode(about).decode(), flush=True)
        return
    print(f"listening on {origin}", flush=True)
    if about.key is not None:
        print(f"organisation  {about.organisation}")
        print(f"X-Api-Key     {about.key}")
        print(f"X-Api-Secret  {about.secret}")
        if about.control_token:
            print(f"token         {about.control_token}")
        sys.stdout.flush()
