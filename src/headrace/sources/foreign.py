"""Sources from other packages: by entry point `headrace.sources`, or by class path."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, cast

from headrace.model.errors import ConfigurationError, HeadraceError
from headrace.model.source_settings import SHIPPED_KINDS, SourceSettings
from headrace.sources.source import Source

GROUP = "headrace.sources"
_METHODS = ("tables", "stage", "mark", "close")

Factory = Callable[[SourceSettings, Path], Source]
"""Creates a source from its settings; relative paths start at the project's folder."""


def foreign_source(settings: SourceSettings, folder: Path) -> Source:
    """Create a source of a kind that headrace does not ship.

    `settings.kind` is the name of an entry point, or `package.module:Class`. Raises
    ConfigurationError when it does not exist, fails to import or to be created, or is not a source.
    """
    kind = settings.kind
    factory = _by_path(kind) if ":" in kind else _by_name(kind)
    try:
        source = factory(settings, folder)
    except HeadraceError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"source.kind {kind} can't be made of these settings: {_said(error)}."
        ) from error
    missing = [name for name in _METHODS if not callable(getattr(source, name, None))]
    if missing:
        raise ConfigurationError(
            f"source.kind {kind} is no source: it lacks {', '.join(missing)} "
            "(headrace.testkit.source_suite shows what a source must do)."
        )
    return source


def known_kinds() -> list[str]:
    """Return the kinds that installed packages provide."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def _by_name(kind: str) -> Factory:
    found = [point for point in entry_points(group=GROUP) if point.name == kind]
    if not found:
        kinds = ", ".join([*SHIPPED_KINDS, *known_kinds()])
        raise ConfigurationError(
            f"source.kind {kind} must be one of {kinds}, or package.module:Class; a package that "
            f"brings another kind has an entry point in the group {GROUP}."
        )
    return _loaded(kind, lambda: _only(found).load())


def _only(found: list[EntryPoint]) -> EntryPoint:
    if len({point.value for point in found}) > 1:
        values = " and ".join(sorted(point.value for point in found))
        raise ConfigurationError(f"source.kind {found[0].name} is brought by {values}: name one.")
    return found[0]


def _by_path(kind: str) -> Factory:
    module, _, name = kind.partition(":")
    return _loaded(kind, lambda: getattr(importlib.import_module(module), name))


def _loaded(kind: str, load: Callable[[], Any]) -> Factory:
    try:
        factory = load()
    except HeadraceError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"source.kind {kind} can't be imported: {_said(error)}. Is its package installed?"
        ) from error
    if not callable(factory):
        raise ConfigurationError(f"source.kind {kind} names something that makes no source.")
    return cast(Factory, factory)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".")
