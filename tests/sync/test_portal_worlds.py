"""Whatever is paid in the portal and booked later, or badly: no claim is wrong, no euro counts
twice, and each difference has the name of what is held."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from desk import HubDesk
from portal_world import World
from shop import Shop

_SHORT, _LONG = 2, 1000


def _live(seeds: range, folder: Path, new_desk: Callable[[Path], HubDesk]) -> tuple[int, int]:
    claims = holds = 0
    for seed in seeds:
        shop = Shop(folder / f"world{seed}")
        world = World(seed, shop, new_desk(shop.folder))
        try:
            world.live()
        except Exception as error:
            error.add_note(f"in the world of seed {seed}, round {world.round}")
            raise
        finally:
            shop.close()
        claims, holds = claims + world.claims, holds + world.holds
    return claims, holds


def test_worlds_of_portal_payments(tmp_path: Path, new_desk: Callable[[Path], HubDesk]) -> None:
    claims, holds = _live(range(_SHORT), tmp_path, new_desk)
    assert claims > _SHORT and holds > _SHORT / 2


@pytest.mark.soak
@pytest.mark.parametrize("start", range(_SHORT, _LONG, 142))
def test_a_thousand_worlds_of_portal_payments(
    start: int, tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    seeds = range(start, min(start + 142, _LONG))
    claims, holds = _live(seeds, tmp_path, new_desk)
    assert claims > len(seeds) and holds > len(seeds) / 2
