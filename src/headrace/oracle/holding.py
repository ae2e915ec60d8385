"""Holds a hub against a recording of a proxy, without the values that were recorded from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote, urlencode

from headrace.oracle.contract import Contract
from headrace.oracle.difference import Difference
from headrace.oracle.exchange import Exchange, Kept, kept
from headrace.oracle.player import MISSING, Played, Player, StandIns
from headrace.oracle.recording import Traffic
from headrace.oracle.tokens import Tokens
from headrace.oracle.verdict import PASSING, differences

_READS = frozenset({"GET", "HEAD"})
_UNPLAYED = frozenset({401, 429, *PASSING})
_NAMES = ("customFieldsData", "customFieldData")
_DAYS = ("dateFrom", "dateTo")
_DAY = "2026-01-31"


async def held(
    contract: Contract, player: Player, recording: Traffic, prefix: str
) -> AsyncIterator[Difference]:
    """Return where a hub would answer otherwise, each difference once.

    Reads are sent to the hub, about made-up records whose external ids begin with `prefix` and
    which are deleted at the end, and about records that do not exist. A recorded answer must be
    one that the hub may give. Of writes, whose values are not known, status and body are held
    against the hub's description.
    """
    stand_ins = StandIns(player)
    seen: set[Difference] = set()
    try:
        await stand_ins.make(contract, prefix)
        for exchange in recording.exchanges:
            answers = []
            if _can_be_played(contract, exchange):
                for target in _targets(stand_ins, exchange):
                    played = await player.play(exchange.method, target, b"", "")
                    answers.append(as_kept(exchange.method, target, played, contract))
            for difference in differences(contract, exchange, answers):
                if difference not in seen:
                    seen.add(difference)
                    yield difference
    finally:
        await stand_ins.delete()


def _can_be_played(contract: Contract, exchange: Kept) -> bool:
    """Whether a recorded request can be sent again: a path that the API does not have was recorded
    without its words."""
    has_path = contract.find(exchange.method, exchange.path) or "{}" not in exchange.path
    is_read = exchange.method in _READS and exchange.status not in _UNPLAYED
    return is_read and bool(has_path)


def as_kept(method: str, target: str, played: Played, contract: Contract) -> Kept:
    """Return a hub's answer in the form of a recording."""
    exchange = Exchange(0, method, target, "", b"", played.status, played.headers, played.body)
    return kept(exchange, contract, Tokens(b"only compared"))


def _targets(stand_ins: StandIns, exchange: Kept) -> Iterator[str]:
    # A template is no path to send: its places are filled.
    paths = list(stand_ins.variants(exchange.path, exchange.path))[1:] or [exchange.path]
    queries = {urlencode(list(_query(stand_ins, exchange, known)), quote_via=quote)
               for known in (True, False)}  # fmt: skip
    for path in paths:
        for query in sorted(queries):
            yield f"{path}?{query}" if query else path


def _query(stand_ins: StandIns, exchange: Kept, known: bool) -> Iterator[tuple[str, str]]:
    for name, value in exchange.query.items():
        if name == "customerId":
            yield name, stand_ins.ids.get("customer", MISSING) if known else MISSING
        elif name in _DAYS:
            # Recorded without its text, which may have been a day or not.
            yield name, _DAY if known else str(value)
        elif name.startswith(_NAMES):
            own = stand_ins.ids.get("custom_field", MISSING) if known else MISSING
            yield name.replace("{}", own), str(value)
        else:
            yield name, str(value)
