"""Which requests the proxy passes on: reads, with consent writes, to production reads only."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from headrace.model.errors import ConfigurationError, Forbidden
from headrace.model.project import UPFLOW_URL
from headrace.model.secret_text import check_target

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_SANDBOX = "api.sandbox.upflow.io"
_HOST = str(urlsplit(UPFLOW_URL).hostname)


class Target(Struct, frozen=True):
    """The server behind the proxy, and whether it may be written to."""

    base: str
    """Its base URL with the version, such as `https://api.sandbox.upflow.io/v1`."""
    consent: bool

    @property
    def host(self) -> str:
        """Its host's name, in lower case."""
        return (urlsplit(self.base).hostname or "").lower().rstrip(".")

    @property
    def is_production(self) -> bool:
        """Whether this is Upflow, and not its sandbox."""
        family = _HOST.partition(".")[2]
        return self.host != _SANDBOX and (self.host == family or self.host.endswith(f".{family}"))

    def check(self, method: str) -> None:
        """Raise Forbidden for a request that may not be passed on."""
        if method in _READS:
            return
        if self.is_production:
            raise Forbidden(
                f"The proxy passes no {method} on to Upflow's production: it only reads there, "
                "with --consent as well. Nothing was sent."
            )
        if not self.consent:
            raise Forbidden(
                f"The proxy passes on reads only, and this is a {method}: start it with --consent "
                f"to write to {self.host}. Nothing was sent."
            )


def target_of(url: str, consent: bool) -> Target:
    """Return the target of `--upstream`; an address without a path gets /v1. Raises
    ConfigurationError."""
    check_target(url, "--upstream")
    parts = urlsplit(url)
    if not _is_base(parts):
        raise ConfigurationError(
            f"--upstream {url} is no base URL of the API: https://api.sandbox.upflow.io/v1 is."
        )
    path = parts.path.rstrip("/") or "/v1"
    return Target(f"{parts.scheme}://{parts.netloc}{path}", consent)


def _is_base(parts: SplitResult) -> bool:
    return parts.scheme in ("http", "https") and not parts.query and not parts.fragment
