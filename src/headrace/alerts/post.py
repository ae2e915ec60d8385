"""Sends messages to the services that apprise knows."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from headrace.alerts.texts import Message
from headrace.fleet.secrets import resolve
from headrace.model.errors import ConfigurationError
from headrace.model.extras import load_extra


class Post(Protocol):
    """Sends messages; tests may replace it."""

    def send(self, folder: Path, reference: str, message: Message) -> str:
        """Send to one address; returns why it failed, or nothing.

        `reference` is `env:NAME` or `file:PATH`, relative to `folder`. Never raises, and never
        returns a part of the address.
        """


class ApprisePost:
    """Sends by apprise, which is loaded with the first message."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    def send(self, folder: Path, reference: str, message: Message) -> str:
        """See the protocol."""
        try:
            library = load_extra("apprise", "alerts", "Sending alerts")
            address = resolve(reference, "alerts.to", folder, self._environment)
        except ConfigurationError as error:
            return str(error)
        # Its messages may contain parts of an address.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        try:
            return _delivered(library, address, message)
        except Exception as error:  # a service's module may raise anything
            return f"the service failed ({type(error).__name__})"


def _delivered(library: Any, address: str, message: Message) -> str:
    # In memory: apprise would otherwise keep tokens of services in the user's home.
    asset = library.AppriseAsset(
        app_id="headrace", app_desc="headrace", secure_logging=True, storage_mode="memory"
    )
    asset.async_mode = False
    service = library.Apprise(asset=asset)
    if not service.add(address):
        return "it is not an address that apprise knows"
    sent = service.notify(
        title=message.title,
        body=message.body,
        notify_type=message.importance,
        body_format="text",
    )
    return "" if sent else "the service did not accept the message"
