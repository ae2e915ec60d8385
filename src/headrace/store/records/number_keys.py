"""What documents and customers are searched by: texts with small letters a to z, and cut."""

from __future__ import annotations

import string
from typing import Any

_LENGTH = 60
"""Characters of a key: PostgreSQL indexes no long text."""
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def lowered(text: str) -> str:
    """Return the text with small letters a to z, as the databases do it, which know no others."""
    return text.translate(_LOWER)


def number_key(body: Any) -> str | None:
    """Return the key of what people know a document by; None without a number."""
    number = getattr(body, "custom_id", None) or getattr(body, "ref_number", None)
    return lowered(number)[:_LENGTH] if isinstance(number, str) else None
