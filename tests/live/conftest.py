"""A hub for the live systems, and the mark that keeps them out of `make test`."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / name) for name in ("sync", "systems")]

pytest.register_assert_rewrite("live_desk")

from desk import HubDesk  # noqa: E402

from headrace.testkit.hub import RunningHub, hub  # noqa: E402

_NUMBERS = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here as one of `make live`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("live")


@pytest.fixture(scope="session")
def live_hub() -> Iterator[RunningHub]:
    """A hub whose organisations have the currency of the systems."""
    with hub(limits="off") as running:
        yield running


@pytest.fixture(scope="session")
def live_desk(live_hub: RunningHub) -> Callable[[Path, str], HubDesk]:
    """Makes a desk for the project in a folder, at a new organisation with a currency."""

    def make(folder: Path, currency: str) -> HubDesk:
        return HubDesk(folder, live_hub, f"live-{next(_NUMBERS)}", currency)

    return make
