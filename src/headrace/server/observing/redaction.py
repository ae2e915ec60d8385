"""Removes secrets from what the hub keeps of a request, and cuts what is too long to keep."""

from __future__ import annotations

import re

BLANKED = "(blanked)"
TARGET_MAX = 2_048
"""Maximum number of characters kept of a path with its query."""
NAMES_MAX = 20
NAME_MAX = 60

_KEY = re.compile(r"hub_[0-9a-f]{24}")
_LINK = re.compile(r"(/(?:portal|pdf)/)[A-Za-z0-9_.~%=-]+(\?[^\"\s]*)?")
_PARAMETER = re.compile(
    r"([?&][^=&]*(?:secret|key|token|password|auth|signature)[^=&]*=)[^&]*", re.IGNORECASE
)


def kept_key(key: str | None) -> str | None:
    """Return the key of a request if it looks like a key: clients also send their secret there."""
    return key if key is None or _KEY.fullmatch(key) else BLANKED


def kept_target(target: str) -> str:
    """Return a path with its query, without the values of parameters that hold secrets, and
    without the tokens of links that grant access."""
    if "?" in target:
        target = _PARAMETER.sub(rf"\1{BLANKED}", target)
    if "/portal/" in target or "/pdf/" in target:  # a search for text costs less than a pattern
        target = _LINK.sub(rf"\1{BLANKED}", target)
    return target[:TARGET_MAX]


def kept_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first names, each cut: a body may have a million of them."""
    return tuple(name[:NAME_MAX] for name in names[:NAMES_MAX])
