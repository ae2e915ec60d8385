"""How busy a server may have been: what is counted quickly is what looking at all would count."""

from __future__ import annotations

from random import Random

import pytest

from headrace.oracle.exchange import Traffic
from headrace.oracle.vocabulary import PER_MINUTE
from headrace.proxy.traffic import WINDOW_S, Arrivals

Sent = tuple[int, float, float | None, int]
"""The client, when it was sent and answered, and the status."""


def _looked_at(sent: list[Sent], own: int, now: float) -> Traffic:
    """What the definitions say of the request at that place."""
    client, own_began, _, _ = sent[own]
    least = most = beside = 0
    for place, (other, began, answered, status) in enumerate(sent):
        if place == own or (answered is not None and status in (401, 429)):
            continue
        ended = now if answered is None else answered
        most += ended >= own_began - WINDOW_S
        beside += ended >= own_began
        certain = other == client and answered is not None
        least += certain and ended <= own_began and began > now - WINDOW_S
    return Traffic(least, most, beside)


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_those_of_all_requests(seed: int) -> None:
    chance, arrivals, now = Random(seed), Arrivals(), 0.0
    sent: list[Sent] = []
    passing = {}
    asked = 0
    for _ in range(3 * PER_MINUTE):
        now += chance.choice((0.0, 0.01, 0.05, 1.0)) if chance.random() < 0.6 else 0.02
        if len(passing) < 12 and (not passing or chance.random() < 0.5):
            passing[len(sent)] = arrivals.began(client := chance.randrange(3), now)
            sent.append((client, now, None, 0))
            continue
        place = chance.choice(list(passing))
        status = chance.choices((200, 404, 401, 429), (60, 10, 5, 25))[0]
        found = arrivals.ended(passing.pop(place), now, status)
        if status == 429:
            asked += 1
            assert found == _looked_at(sent, place, now)
        client, began, _, _ = sent[place]
        sent[place] = (client, began, now, status)
    assert asked > 50


def test_of_more_requests_than_any_limit_the_oldest_are_forgotten() -> None:
    arrivals = Arrivals()
    stuck, late = arrivals.began(1, 0.0), arrivals.began(1, 0.0)
    for number in range(5 * PER_MINUTE):
        entry = arrivals.began(1, number / 1000)
        arrivals.ended(entry, number / 1000, 200)
    assert arrivals.ended(stuck, 4.0, 429).most == 4 * PER_MINUTE
    arrivals.ended(late, 4.0, 200)
    last = arrivals.began(2, 5.0)
    assert arrivals.ended(last, 5.0, 429) == Traffic(0, 4 * PER_MINUTE - 1, 0)
