"""An alert in a line of `headrace alerts` and `headrace status`."""

from __future__ import annotations

import pytest

from headrace.alerts.kinds import KINDS
from headrace.cli.show.alerts import alert_text
from headrace.sync.journal import Alert


@pytest.mark.parametrize("kind", KINDS)
def test_its_number_is_shown_with_what_it_counts_or_not_at_all(kind: str) -> None:
    counts = KINDS[kind].counts
    begins = f"{KINDS[kind].title} since 1970-01-12 13:46 UTC"
    text = alert_text(Alert(kind, 1e6, 1e6, 5, [], []))
    assert text.startswith(f"{begins}, 5 {counts}s; " if counts else f"{begins}; ")
