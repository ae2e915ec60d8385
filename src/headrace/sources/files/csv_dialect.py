"""How a CSV file is written: its encoding, delimiter and header; what is not said is derived from
its first lines, and what can't be derived is proposed."""

from __future__ import annotations

import csv
import gzip
import itertools
from collections import Counter
from pathlib import Path
from typing import IO

from msgspec import Struct

from headrace.model.errors import SourceError
from headrace.model.source_settings import FileFormat
from headrace.sources.files.header import check_header
from headrace.sources.source import quoted

_DELIMITERS = ",;\t|"
_NAMES = {",": ",", ";": ";", "\t": "\\t", "|": "|"}
_SAMPLE = 50
"""Lines that are looked at."""
_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


class Dialect(Struct, frozen=True):
    """How to read one file."""

    delimiter: str
    columns: list[str]
    skip: int
    """Lines before the header, or before the rows where there is none."""
    header: bool


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file, decompressed if it ends with .gz."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def read_dialect(path: Path, form: FileFormat) -> Dialect:
    """Return how a UTF-8 file is to be read. Raises SourceError that names the file."""
    skip = form.skip or 0
    with open_bytes(path) as file:
        try:
            text = "".join(
                line.decode("utf-8-sig" if place == 0 else "utf-8")
                for place, line in enumerate(itertools.islice(file, _SAMPLE + skip))
            )
        except UnicodeDecodeError:
            raise SourceError(not_utf8(path)) from None
    lines = text.splitlines(keepends=True)[skip:]
    if not "".join(lines).strip():
        raise SourceError(f"{path} is empty: a CSV file needs a line of column names.")
    delimiter = form.delimiter or _delimiter(path, lines)
    first = next(csv.reader(lines, delimiter=delimiter), [])
    if form.has_header and len(set(_counts(lines, delimiter))) == 1:
        check_header(f"{path}, line {skip + 1},", first, form)
    names = (
        [text.strip() or f"column{place}" for place, text in enumerate(first, 1)]
        if form.has_header
        else [f"column{place}" for place in range(1, len(first) + 1)]
    )
    seen: set[str] = set()
    for column in names:
        if column.lower() in seen:
            raise SourceError(f"{path}, line {skip + 1}: two columns are named {quoted(column)}.")
        seen.add(column.lower())
    return Dialect(delimiter, names, skip, form.has_header)


def _delimiter(path: Path, lines: list[str]) -> str:
    """Return the one that gives every line as many fields as the header."""
    counts = {delimiter: _counts(lines, delimiter) for delimiter in _DELIMITERS}
    even = [d for d, found in counts.items() if found[0] > 1 and len(set(found)) == 1]
    if len(even) > 1 and len(counts[even[0]]) > 1:
        shown = " or ".join(f'"{_NAMES[delimiter]}"' for delimiter in even)
        raise SourceError(
            f"{path} could be divided by {shown}: say which, such as "
            f'format = {{ delimiter = "{_NAMES[even[1]]}" }}.'
        )
    if even:
        return even[0]
    # The header decides; a line that does not fit it is reported with its number.
    return max(_DELIMITERS, key=lambda delimiter: counts[delimiter][0])


def _counts(lines: list[str], delimiter: str) -> list[int]:
    """Return the number of fields of each row; the last may be cut off within quotes."""
    try:
        rows = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return [0]
    return (rows[:-1] if len(lines) >= _SAMPLE and len(rows) > 1 else rows) or [0]


def proposal(path: Path, form: FileFormat, dialect: Dialect) -> str:
    """Return what to try when lines have other numbers of fields than the header; empty when
    nothing else fits."""
    with open_bytes(path) as file:
        sample = list(itertools.islice(file, _SAMPLE))
    lines = b"".join(sample).decode(errors="replace").splitlines(keepends=True)
    for delimiter in [dialect.delimiter, *_DELIMITERS]:
        counts = _counts(lines, delimiter)
        usual, often = Counter(counts).most_common(1)[0]
        start = next((place for place, count in enumerate(counts) if count == usual), 0)
        if usual < 2 or often < 2 or set(counts[start:]) != {usual}:
            continue
        parts = [] if delimiter == dialect.delimiter else [f'delimiter = "{_NAMES[delimiter]}"']
        parts += [f"skip = {start}"] if start != (form.skip or 0) else []
        if parts:
            return f" Try format = {{ {', '.join(parts)} }}."
    return ""


def not_utf8(path: Path) -> str:
    """Return the message about a file in another encoding, with the one that it seems to have."""
    with open_bytes(path) as file:
        content = file.read(1 << 20)
    guess = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "")
    if not guess and content[1::2].count(0) > len(content) // 4:
        guess = "utf-16-le"
    if not guess and content[::2].count(0) > len(content) // 4:
        guess = "utf-16-be"
    if not guess:
        # Windows uses the bytes that latin-1 has only control characters for.
        guess = "cp1252" if any(0x80 <= byte < 0xA0 for byte in content) else "latin-1"
    try:
        place = content.decode(guess, errors="replace")
    except LookupError:
        place = ""
    line = next((one for one in place.splitlines() if not one.isascii()), "").strip()[:60]
    seen = f' (it would have "{line}")' if line else ""
    return (
        f'{path} is not UTF-8: it looks like {guess}{seen}. Say format = {{ encoding = "{guess}" '
        "} if that is right, or save it as UTF-8."
    )
