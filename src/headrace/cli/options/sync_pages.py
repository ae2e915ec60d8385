"""`--sync-pages` of `headrace serve`."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec import Struct

from headrace.model.errors import ConfigurationError


class SyncPagesOption(Struct, frozen=True, kw_only=True):
    """Where the sync pages are, to which the console links."""

    sync_pages: Annotated[
        str,
        typer.Option(
            help="Where `headrace run --pages` serves the sync pages, such as "
            "https://sync.example.com; the console links to those of each organisation.",
            metavar="URL",
            show_default=False,
        ),
    ] = ""

    def sync_address(self) -> str:
        """Return the address without a slash at its end. Raises ConfigurationError."""
        if self.sync_pages and not self.sync_pages.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"--sync-pages {self.sync_pages!r} must start with https:// or http://."
            )
        return self.sync_pages.rstrip("/")
