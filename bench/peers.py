"""headrace against what a user would do instead, on the same book and a hub with Upflow's limits.

    python bench/peers.py [--full]

A script with `requests`, `drt-core`, a pipeline of dlt (as documented, and with five files at a
time) and a Singer target, each as its documentation shows, in `bench/peers/`. They get environments
of their own below bench/.peers, kept for the next time, and the queries in `bench/peers/queries`,
which make the payloads that headrace makes from its models.

Each has a hub of its own, 300 ms away, and all work side by side, for they only wait: a first
import, a second sync after 30 changes, six deletions among them; beside it, a first import of a
smaller book that is killed half way and started again. After each the hub is held against the book;
overlaps are requests that came while another of the same customer was under way, which Upflow's
guide says to avoid.
Quick takes 300 records, some five minutes; `--full` 3,000, forty. Bars: the first import 2.5 x as
fast as the best of them that loses nothing; a second sync of no more requests than were needed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parent))

from peer_commands import OURS, PEERS, RATE, Peer, environment
from peer_runs import (
    CHANGES,
    DELETIONS,
    LATENCY,
    Books,
    Sync,
    first_and_second,
    kill_and_go_on,
)

BAR = 2.5
T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="3,000 records")
    records = 3_000 if parser.parse_args().full else 300
    peers = available()
    with tempfile.TemporaryDirectory(prefix="bench-peers-") as place:
        folder = Path(place)
        books = Books(folder, records)
        with ThreadPoolExecutor(2 * len(peers) + 1) as pool:

            def all_at_work(work: Callable[[Path, Peer, Books], T], suffix: str) -> dict[str, T]:
                running = {
                    name: pool.submit(work, folder / f"{name}{suffix}", peer, books)
                    for name, peer in peers.items()
                }
                return {name: one.result() for name, one in running.items()}

            killing = pool.submit(all_at_work, kill_and_go_on, "-killed")
            syncs = all_at_work(first_and_second, "")
            killed = killing.result()
    report_first(books, {name: first for name, (first, _) in syncs.items()})
    report_second(books, {name: second for name, (_, second) in syncs.items()})
    print(
        f"{books.small_requests} records, killed half way: time of the second run, requests of both"
    )
    table(killed)


def available() -> dict[str, Peer]:
    """The peers whose environments can be made; says of the others why not."""
    found = {}
    for name, peer in PEERS.items():
        try:
            if peer.environment is not None:
                environment(peer.environment)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"{name}: not measured, {error}")
        else:
            found[name] = peer
    return found


def report_first(books: Books, syncs: Mapping[str, Sync]) -> None:
    print(
        f"first import of {books.requests:,} records at {LATENCY * 1000:.0f} ms; the limit alone "
        f"takes {(books.requests - 1) // RATE * 60} s"
    )
    table(syncs)
    others = [name for name in syncs if name != OURS]
    compare("as documented", syncs, [name for name in others if PEERS[name].as_documented])
    compare("of all", syncs, others)


def compare(which: str, syncs: Mapping[str, Sync], peers: list[str]) -> None:
    """The bar of the first import, against the best of these that lost nothing."""
    ours = syncs[OURS].seconds
    lossless = [peer for peer in peers if not syncs[peer].verdict.lost]
    if not lossless:
        print(f"first import, the best {which}: none that loses nothing")
        return
    best = min(lossless, key=lambda peer: syncs[peer].seconds)
    theirs = syncs[best].seconds
    ratio = theirs / ours
    print(
        f"first import, the best {which} that loses nothing ({best}) / headrace: {ratio:.2f} "
        f"(at least {BAR}{missed(ratio < BAR)}): {theirs:.1f} s / {ours:.1f} s"
    )


def report_second(books: Books, syncs: Mapping[str, Sync]) -> None:
    print(f"second sync after {CHANGES + DELETIONS} changes, which need {books.needed} requests")
    table(syncs)
    sent = syncs[OURS].sent
    print(
        f"second sync, requests / what the changes need: {sent / books.needed:.2f} (at most 1"
        f"{missed(sent > books.needed)}): {sent} / {books.needed}"
    )


def table(rows: Mapping[str, Sync]) -> None:
    ours = rows[OURS].seconds
    for peer, sync in rows.items():
        ended = f", exit code {sync.code}" if sync.code else ""
        print(
            f"  {peer:12} {sync.seconds:7.1f} s {sync.seconds / ours:6.2f} x {sync.sent:6,} "
            f"requests {sync.refused:5,} x 429 {sync.overlaps:4,} overlaps  {sync.verdict}{ended}"
        )


def missed(so: bool) -> str:
    return ", MISSED" if so else ""


if __name__ == "__main__":
    main()
