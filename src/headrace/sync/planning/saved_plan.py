"""A plan in a file: seen by one person today, applied as it was seen by another tomorrow."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from headrace.model.errors import ConfigurationError, StalePlan
from headrace.sync.planning.plan import Plan
from headrace.sync.planning.scope import Scope

_VERSION = 2
"""Of the file's form; another one is refused."""


class _Versioned(Struct):
    version: int


class SavedPlan(Struct, frozen=True, kw_only=True):
    """What has to be the same when it is applied, and the plan as it was seen."""

    organisation: str
    scope: Scope
    journal: tuple[str, int]
    """Which journal it was made against, and its last change then."""
    digest: int
    """Stands for its operations and the rows behind them."""
    plan: Plan
    version: int = _VERSION

    def write(self, path: Path) -> None:
        """Writes the file anew. ConfigurationError when it can't be written."""
        try:
            path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2))
        except OSError as error:
            raise ConfigurationError(f"{path} can't be written: {error.strerror}.") from None

    def raise_if_stale(self, now: SavedPlan) -> None:
        """StalePlan unless `now`, the plan made again in the same scope, is this one."""
        if now.journal != self.journal:
            raise StalePlan(
                f"Nothing was sent: since this plan was made ({self.plan.made_at}) something else "
                f"was delivered for {self.organisation}. Make it anew with `headrace plan --out`."
            )
        if now.digest != self.digest:
            raise StalePlan(
                f"Nothing was sent: the source of {self.organisation} has changed since this plan "
                f"was made ({self.plan.made_at}): it had {self.plan.requests:,} requests, there "
                f"are {now.plan.requests:,} now. Make it anew with `headrace plan --out`."
            )


def read_plan(path: Path) -> SavedPlan:
    """A plan that `SavedPlan.write` wrote. ConfigurationError for anything else."""
    try:
        content = path.read_bytes()
        version = msgspec.json.decode(content, type=_Versioned).version
        if version == _VERSION:
            return msgspec.json.decode(content, type=SavedPlan)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is not a plan of this headrace ({error}): make one with `headrace plan --out`."
        ) from None
    raise ConfigurationError(
        f"{path} was saved by another version of headrace (form {version}, this one reads "
        f"{_VERSION}): make it anew with `headrace plan --out`."
    )
