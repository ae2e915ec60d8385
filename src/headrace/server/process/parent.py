"""The process that started this one, so that a hub can end with it."""

from __future__ import annotations

import os

from headrace.model.errors import ConfigurationError


def watch_parent() -> int:
    """Return a file descriptor that becomes readable when the parent process has ended, however.

    Raises ConfigurationError when it has ended already, and where the system can't tell.
    """
    parent = os.getppid()
    try:
        handle = os.pidfd_open(parent)
    except (AttributeError, OSError):
        handle = -1
    # A parent that ended before its descriptor was open would have left this process to another.
    if handle < 0 or os.getppid() != parent:
        raise ConfigurationError(
            "--stop-with-parent needs a parent process that lives, on Linux 5.3 or later."
        )
    return handle
