"""Brings an organisation's staged tables up to date, as its models need them."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path

import duckdb
import msgspec
from msgspec import Struct

from headrace import __version__
from headrace.book.book import Book
from headrace.book.models.models import Model
from headrace.model.project import OrganisationSettings
from headrace.sources.moved import Staged, stage_moved
from headrace.sources.registry import open_source
from headrace.systems.catalogue import models_folder


class Stage(Struct, frozen=True):
    """One organisation's source, and where its models are."""

    organisation: str
    settings: OrganisationSettings
    folder: Path
    """The project's folder."""

    def read(self, book: Book, now: float, whole: bool) -> tuple[list[Model], Staged]:
        """Return the models, and what is staged for them after a look at the source.

        Unless `whole`, tables that did not move since the last time are not read again; they are at
        every `sweep`. `now` is in seconds since 1970. Raises SourceError and ModelError.
        """
        settings = self.settings
        with closing(open_source(settings.source, self.folder)) as source:
            folder = models_folder(settings.models, self.folder)
            models = book.load(folder, source.tables(), self.organisation)
            wanted = sorted(set().union(*(model.reads for model in models)))
            with book.staging() as connection:
                staged = stage_moved(
                    source,
                    connection,
                    wanted,
                    version=self._version,
                    now=now,
                    sweep=settings.sweep_interval.total_seconds(),
                    whole=whole,
                )
        book.allot(sum(staged.rows.values()))
        return models, staged

    @property
    def _version(self) -> str:
        """What staged rows depend on aside from the source: its settings, and the programs."""
        settings = msgspec.json.encode(self.settings.source)
        digest = hashlib.blake2b(settings, digest_size=16).hexdigest()
        return f"{__version__} {duckdb.__version__} {digest}"
