"""What a proxy has found, on the terminal."""

from __future__ import annotations

from collections import Counter

import msgspec
from msgspec import Struct

from headrace.cli.show.console import several
from headrace.oracle.difference import Difference

_SHOWN_MOST = 1_000
"""Different differences that are shown and counted: unknown names of fields may be countless."""


class Tally(Struct):
    """What was compared so far."""

    differences: Counter[Difference]
    """Each with the number of its exchanges."""
    compared: int = 0
    exact: int = 0
    """Of those, the ones of records that the shadow hub knew."""
    skipped: int = 0
    """Not compared: too large, or the server was away."""
    lost: int = 0
    """Not compared, because too much was waiting."""

    def add(self, compared: bool, exact: bool) -> None:
        """Count an exchange."""
        self.compared += compared
        self.skipped += not compared
        self.exact += exact

    def found(self, difference: Difference) -> bool:
        """Count a difference; returns whether it is to be shown, because it is the first."""
        new = difference not in self.differences
        if new and len(self.differences) >= _SHOWN_MOST:
            return False
        self.differences[difference] += 1
        return new


def print_difference(difference: Difference, json: bool) -> None:
    """Print a line."""
    line = msgspec.json.encode(difference).decode() if json else f"differs  {difference}"
    print(line, flush=True)


def print_tally(tally: Tally, json: bool) -> None:
    """Print the summary, the most frequent differences first."""
    if json:
        counts = {name: getattr(tally, name) for name in ("compared", "exact", "skipped", "lost")}
        print(msgspec.json.encode({**counts, "differences": len(tally.differences)}).decode())
        return
    print(
        f"{several(tally.compared, 'request')} compared, {tally.exact} of them in every field; "
        f"{tally.skipped + tally.lost} not compared",
        flush=True,
    )
    if not tally.differences:
        print("no differences", flush=True)
    for difference, count in tally.differences.most_common():
        print(f"{count:6} x {difference}", flush=True)
