"""Loads packages of optional extras on first use, so that commands that don't need them start
faster."""

from __future__ import annotations

import importlib
from typing import Any

from headrace.model.errors import ConfigurationError


def load_extra(module: str, extra: str, what: str) -> Any:
    """Import and return the module. Raises ConfigurationError, saying that `what` needs the
    extra, when it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ConfigurationError(f"{what} needs: pip install 'headrace[{extra}]'.") from None
