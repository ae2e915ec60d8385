"""Loads packages on first use of one of their attributes."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands for a module, and passes on its attributes.

    The standard library's LazyLoader gives a half-loaded module to a second thread in Python 3.11;
    an import has a lock.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


def lazily(name: str) -> ModuleType:
    """Return the module, or something that loads it when an attribute is first used, on any
    thread. Raises ModuleNotFoundError at once."""
    if name in sys.modules:
        return sys.modules[name]
    if find_spec(name) is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return _Later(name)
