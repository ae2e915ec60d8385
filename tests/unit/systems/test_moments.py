"""From when an extraction asks for changes."""

from __future__ import annotations

import pytest

from headrace.systems.moments import newest_of


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        (None, None),
        ("2026-01-31 07:59:59", "2026-01-31 07:59:59"),
        # Written while the tables were read: into the first ones perhaps after their turn.
        ("2026-01-31 09:30:00", "2026-01-31 08:00:00"),
    ],
)
def test_a_reading_continues_no_later_than_from_its_own_start(
    newest: str | None, expected: str | None
) -> None:
    assert newest_of(newest, 1_769_846_400.0) == expected
