"""Tables of the comparison with the API that stay empty in most organisations.

`reconcile.py` then creates them without running their query. A test compares the columns with those
of the queries.
"""

from __future__ import annotations

_KEY = ("entity varchar", "external_id varchar")
_MONEY = ("customer varchar", "currency varchar")

COLLECTED = {
    "plan.doubles": ("entity varchar", "id varchar", "booked varchar"),
    "plan.collected_effects": (*_MONEY, *_KEY, "amount hugeint"),
}
"""Without collected records at the API."""

REASONS = {
    "plan.compared_documents": (
        *(*_MONEY, *_KEY, "api_id varchar", "book bigint", "api bigint", "reason varchar"),
        *("number varchar", "book_state varchar", "api_state varchar"),
    ),
}
"""Where no document differs."""

KINDS = {
    "plan.compared_kinds": ("kind varchar", "currency varchar", "book bigint", "api bigint"),
}
"""Without synthetic payments on either side."""

EXPLAINED = {
    "plan.open_documents": (
        *("place varchar", "currency varchar", *_KEY, "number varchar", "customer varchar"),
        *("open bigint", "reason varchar"),
    ),
}
"""Without figures of the source's own."""
