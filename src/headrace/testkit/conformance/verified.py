"""The rules that the conformance cases verify, for the hub's console."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headrace.console.operations import Verified
from headrace.model.lazy import lazily

# The cases load a client, which a hub needs for nothing else.
_CASES: Any = lazily("headrace.testkit.conformance.cases")


def verified_rules() -> Sequence[Verified]:
    """Return all rules, in the order of the cases."""
    return [
        Verified(", ".join(case.operations), case.rule, case.evidence.value, case.source)
        for case in _CASES.CASES
    ]
