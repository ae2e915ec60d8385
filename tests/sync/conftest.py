"""One hub without limits for all tests here, and desks at organisations of their own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from desk import HubDesk
from pair import Pair
from shop import Shop

from headrace.testkit.hub import RunningHub, hub

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def open_hub() -> Iterator[RunningHub]:
    with hub(limits="off") as running:
        yield running


@pytest.fixture
def new_desk(open_hub: RunningHub) -> Callable[[Path], HubDesk]:
    """Makes a desk at a fresh organisation, for the project in a folder."""

    def make(folder: Path) -> HubDesk:
        return HubDesk(folder, open_hub, f"desk-{next(_NUMBERS)}")

    return make


@pytest.fixture
def pair(tmp_path: Path, new_desk: Callable[[Path], HubDesk]) -> Iterator[Pair]:
    """A shop without records, at its desk."""
    shop = Shop(tmp_path / "shop")
    yield Pair(shop, new_desk(shop.folder))
    shop.close()


@pytest.fixture(scope="module")
def shared_pair(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Iterator[Pair]:
    """The same for all tests of a module, which leave it as they found it."""
    shop = Shop(tmp_path_factory.mktemp("shared") / "shop")
    yield Pair(shop, HubDesk(shop.folder, open_hub, f"desk-{next(_NUMBERS)}"))
    shop.close()
