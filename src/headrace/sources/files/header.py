"""Whether the first line of a file has names or already values."""

from __future__ import annotations

import re
from collections.abc import Sequence

from headrace.model.errors import SourceError
from headrace.model.source_settings import FileFormat

_NUMBER = re.compile(r"[+-]?[\d.,' ]*\d[\d.,' ]*%?")
_YEAR = re.compile(r"(19|20)\d\d")
_DAY = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T][\d:.]+Z?)?")
_ADDRESS = re.compile(r"\S+@\S+\.\S+")
_SHOWN = 60


def check_header(where: str, first: Sequence[str], form: FileFormat) -> None:
    """Raise SourceError if more than half of what should be names are numbers, days or addresses.

    A line that was said to have the names is taken as it is.
    """
    if form.header is not None:
        return
    filled = [text.strip() for text in first if text.strip()]
    values = [text for text in filled if _is_value(text)]
    if 2 * len(values) > len(filled):
        shown = ", ".join(filled)[:_SHOWN]
        raise SourceError(
            f"{where} should have the names of columns, and looks like values: {shown}. "
            "Try format = { header = false }, or header = true if these are the names."
        )


def _is_value(text: str) -> bool:
    if _YEAR.fullmatch(text):  # the name of a column in many reports
        return False
    return any(form.fullmatch(text) for form in (_NUMBER, _DAY, _ADDRESS))
