"""The project file's table of an organisation's API."""

from __future__ import annotations

from headrace.model.clock import parse_interval
from headrace.model.source_settings import Settings

UPFLOW_URL = "https://api.upflow.io/v1"


def check_interval(name: str, text: str) -> None:
    """Raise ValueError that names the setting for anything that is not an interval."""
    try:
        parse_interval(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


class TargetSettings(Settings, frozen=True, kw_only=True):
    """The receivables API of one organisation."""

    url: str = UPFLOW_URL
    """Base URL of the API with its version, Upflow's or a hub's; `env:NAME` and `file:PATH` are
    allowed."""
    key: str
    """`env:NAME` or `file:PATH`; never the key itself."""
    secret: str
    """`env:NAME` or `file:PATH`; never the secret itself."""
    rate: int = 600
    """Requests in any 60 seconds that the API takes (docs/api-evidence.md, Rate limit)."""
    in_flight: int = 5
    """Requests at a time, at most 10; Upflow advises 5 (docs/api-evidence.md, Rate limit)."""
    timeout: str = "30s"
    """Maximum time for a complete answer before the request counts as failed."""
    ca_file: str = ""
    """PEM file of certificates to trust instead of the system's, for a server or proxy with a
    certificate from a company's own authority."""

    def __post_init__(self) -> None:
        if not 1 <= self.in_flight <= 10:
            raise ValueError("in_flight must be between 1 and 10: Upflow takes no more at a time")
        if self.rate < 1:
            raise ValueError("rate must be at least 1 request a minute")
        for name in ("key", "secret"):
            if not getattr(self, name).startswith(("env:", "file:")):
                raise ValueError(
                    f"{name} must be env:NAME or file:PATH; a secret never stands in this file"
                )
        check_interval("timeout", self.timeout)
