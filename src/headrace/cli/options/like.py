"""`--like`: a hub as a recorded server."""

from __future__ import annotations

import logging
from pathlib import Path

from headrace.oracle.likeness import App, Likeness, rules_of
from headrace.oracle.recording import load
from headrace.server.description.openapi import openapi_document

_LOGGER = logging.getLogger("headrace.hub")


def like(app: App, path: Path) -> Likeness:
    """Put the differences of a recording around a hub; what can't be followed is logged.

    Raises ConfigurationError for anything but a recording of the proxy.
    """
    rules, left = rules_of(load(path).differences)
    for difference in left:
        _LOGGER.warning("the hub stays as it is: %s", difference)
    return Likeness(app, openapi_document(), rules)
