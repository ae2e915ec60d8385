"""A plan in a file, so that one person can review it and another apply exactly that plan."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from headrace.model.errors import ConfigurationError, StalePlan
from headrace.sync.planning.plan import Plan
from headrace.sync.planning.scope import Scope

_VERSION = 2
"""Version of the file format; other versions are refused."""


class _Versioned(Struct):
    version: int


class SavedPlan(Struct, frozen=True, kw_only=True):
    """A plan as it was reviewed, with everything that must be the same when it is applied."""

    organisation: str
    scope: Scope
    journal: tuple[str, int]
    """Identity of the journal, and the journal's last change when the plan was made."""
    digest: int
    """Identifies the operations and the rows behind them."""
    plan: Plan
    version: int = _VERSION

    def write(self, path: Path) -> None:
        """Write or replace the file. Raises ConfigurationError when it can't be written."""
        try:
            path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2))
        except OSError as error:
            raise ConfigurationError(f"{path} can't be written: {error.strerror}.") from None

    def raise_if_stale(self, now: SavedPlan) -> None:
        """Raise StalePlan unless `now`, planned again with the same scope, is the same plan."""
        if now.journal != self.journal:
            raise StalePlan(
                f"Nothing was sent: since this plan was made ({self.plan.made_at}), something else "
                f"was delivered for {self.organisation}. Make a new plan with `headrace plan "
                "--out`."
            )
        if now.digest != self.digest:
            raise StalePlan(
                f"Nothing was sent: the source of {self.organisation} has changed since this plan "
                f"was made ({self.plan.made_at}). It had {self.plan.requests:,} requests, and now "
                f"there are {now.plan.requests:,}. Make a new plan with `headrace plan --out`."
            )


def read_plan(path: Path) -> SavedPlan:
    """Read a plan that `SavedPlan.write` wrote. Raises ConfigurationError for anything else."""
    try:
        content = path.read_bytes()
        version = msgspec.json.decode(content, type=_Versioned).version
        if version == _VERSION:
            return msgspec.json.decode(content, type=SavedPlan)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is not a plan that headrace saved ({error}). Make one with `headrace plan "
            "--out`."
        ) from None
    raise ConfigurationError(
        f"{path} was saved by another version of headrace (format {version}; this one reads "
        f"{_VERSION}). Make a new plan with `headrace plan --out`."
    )
