"""The project file's tables about alerts and about the process that runs."""

from __future__ import annotations

import re
from datetime import time
from typing import Literal

from headrace.model.clock import parse_interval
from headrace.model.source_settings import Settings

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_HOUR = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class AlertSettings(Settings, frozen=True, kw_only=True):
    """Who is alerted, and when; what an organisation does not set is as in the project's table."""

    to: list[str] = []
    """Addresses of services that apprise knows, such as e-mail, Slack, Teams or a webhook, each as
    `env:NAME` or `file:PATH`, because an address contains a password. Without one, nothing is
    sent."""
    failures: int = 3
    """Number of rounds in a row that fail until it is announced, for errors without a setting of
    their own."""
    unreachable: str = "15m"
    """How long the source or the API may be unreachable until it is announced."""
    lag: str = "1h"
    """How long a change may wait for the API's acknowledgement, once the first import is
    complete."""
    silent: str = "1h"
    """How long an organisation may be without a successful round. It is never less than three
    times `every`."""
    stuck: str = "30m"
    """How long a round may make no progress."""
    digest: str = ""
    """Time of a daily summary, in UTC, such as `"07:30"`; empty for none."""

    def __post_init__(self) -> None:
        for address in self.to:
            if not address.startswith(("env:", "file:")):
                raise ValueError(
                    "to: an address must be env:NAME or file:PATH; a secret never stands in this "
                    "file"
                )
        if self.failures < 1:
            raise ValueError("failures must be at least 1")
        for name in ("unreachable", "lag", "silent", "stuck"):
            try:
                parse_interval(getattr(self, name))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        if self.digest and not _HOUR.fullmatch(self.digest):
            raise ValueError('digest must be a time of day such as "07:30", or empty')

    def seconds(self, name: str) -> float:
        """Return one of the intervals in seconds."""
        return parse_interval(getattr(self, name)).total_seconds()

    @property
    def digest_time(self) -> time | None:
        """Time of the daily summary in UTC; None for none."""
        return time.fromisoformat(self.digest) if self.digest else None


ApproveRule = Literal["always", "unsafe", "never"]


class RunSettings(Settings, frozen=True, kw_only=True):
    """The process of `headrace run`."""

    listen: str = ""
    """Address for metrics, health checks and the status page, such as `"9464"`, a port of this
    machine only, or `"0.0.0.0:9464"`; empty for none. The status page is only served to this
    machine."""
    pages: bool = False
    """Whether the sync pages are served there, by default at port 9464 of this machine, and rounds
    keep what they show."""
    hosts: list[str] = []
    """Names by which the sync pages may be reached from elsewhere, such as `"sync.example.com"`; a
    reverse proxy adds TLS. They require `people`."""
    people: dict[str, str] = {}
    """Who may sign in to the sync pages, approve plans and retry rejects: names with secrets of at
    least 12 characters, each as `env:NAME`, `file:PATH` or `command:PROGRAM`. Without any, this
    machine sees the pages without signing in, and they change nothing."""

    def __post_init__(self) -> None:
        for name, secret in self.people.items():
            if not name.strip() or name != name.strip() or not name.isprintable():
                raise ValueError(f"people: {name!r} is no name")
            if not secret.startswith(("env:", "file:", "command:", "sealed:")):
                raise ValueError(
                    f"people: the secret of {name} must be env:NAME, file:PATH or command:PROGRAM; "
                    "a secret never stands in this file"
                )
        for host in self.hosts:
            if not _HOST.fullmatch(host):
                raise ValueError(f"hosts: {host!r} is no name of a host, without a port")
