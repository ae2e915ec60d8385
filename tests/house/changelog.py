"""The form of CHANGELOG.md: https://keepachangelog.com/, one sentence per line, for users."""

from __future__ import annotations

import re
from collections.abc import Iterator

KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
_VERSION = re.compile(r"## \[(?P<version>Unreleased|\d+\.\d+\.\d+)\](?: - (?P<date>.+))?")
_DATE = re.compile(r"(?:\d{4}-\d{2}-\d{2}|unreleased)")


def findings(text: str) -> Iterator[str]:
    """Yield breaches of the form, each with its line."""
    lines = text.splitlines()
    if not lines or lines[0] != "# Changelog":
        yield "line 1: the title is '# Changelog'"
    version = kind = ""
    for number, line in enumerate(lines, 1):
        if line.startswith("## "):
            version, kind = line, ""
            yield from (f"line {number}: {problem}" for problem in _version_problems(line))
        elif line.startswith("### "):
            kind = line.removeprefix("### ")
            if kind not in KINDS:
                yield f"line {number}: {kind!r} is none of {', '.join(KINDS)}"
        elif line.startswith("- "):
            if not version or not kind:
                yield f"line {number}: an entry stands below a version and a kind of change"
            yield from (f"line {number}: {problem}" for problem in _entry_problems(line[2:]))
        elif line.startswith(("  ", "* ")):
            yield f"line {number}: one sentence per line, each with its own '- '"
    if not version:
        yield "there is no version: write '## [Unreleased]'"


def _version_problems(line: str) -> Iterator[str]:
    found = _VERSION.fullmatch(line)
    if found is None:
        yield "a version is '## [1.2.3] - 2026-01-31' or '## [Unreleased]'"
    elif found["version"] != "Unreleased" and not _DATE.fullmatch(found["date"] or ""):
        yield "the version needs its date, or 'unreleased'"


def _entry_problems(entry: str) -> Iterator[str]:
    if not entry.endswith("."):
        yield "an entry is a sentence and ends with a full stop"
    if re.search(r"[.!?] [A-Z]", entry):
        yield "one sentence per entry: begin another line"
    if not (entry[0].isupper() or entry[0] in "`["):
        yield "an entry begins with a capital or with code"
