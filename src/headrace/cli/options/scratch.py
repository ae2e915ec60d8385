"""Opens an organisation's source for a look: without keys, and during a running sync."""

from __future__ import annotations

from headrace.book.models.models import Model
from headrace.drafting.scratch import Scratch
from headrace.fleet.project import LoadedProject


def opened_scratch(loaded: LoadedProject, name: str) -> Scratch:
    """Open the source of an organisation, with what its models may call. Raises
    ConfigurationError."""
    settings = loaded.settings_of(name)
    scratch = Scratch(loaded.source(name), loaded.folder, settings.rounding)
    scratch.book.set_parameters(settings.parameters)
    return scratch


def models_of(loaded: LoadedProject, name: str, scratch: Scratch) -> dict[str, Model]:
    """Return the organisation's models by table; none where its tables are used as they are.

    Raises ModelError and SourceError.
    """
    folder = loaded.models(name)
    if not folder.is_dir():
        return {}
    models = scratch.book.load(folder, scratch.offered(), name)
    return {model.table.name: model for model in models}
