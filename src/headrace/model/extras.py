"""Packages that only an extra brings, loaded when they are needed: most commands never do, and
start the sooner."""

from __future__ import annotations

import importlib
from typing import Any

from headrace.model.errors import ConfigurationError


def load_extra(module: str, extra: str, what: str) -> Any:
    """The module; ConfigurationError says that `what` needs the extra where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ConfigurationError(f"{what} needs: pip install 'headrace[{extra}]'.") from None
