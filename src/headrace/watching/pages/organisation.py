"""The page of one organisation."""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from headrace.alerts.texts import duration, when
from headrace.fleet.picture import Head, opened_picture
from headrace.model.errors import ApprovalNeeded
from headrace.sync.journal import LoggedRound, Proof
from headrace.watching.page import row_of
from headrace.watching.pages.records import FEW, LISTS
from headrace.watching.pages.visit import Visit

_ROUNDS = 10


class RoundRow(Struct, frozen=True, kw_only=True):
    """A round, or several uneventful ones in a row."""

    at: str
    ago: str
    said: str
    took: str
    times: int
    failed: bool


def organisation(visit: Visit) -> Response:
    """Rounds, lag, what is pending and what stays behind, with what to do about it."""
    name, now = visit.name, visit.now
    with visit.journal() as journal:
        rounds = [_round_row(one, now) for one in journal.logged_rounds(_ROUNDS)]
        proof = journal.proof()
        waiting = journal.approvals("waiting")
    lists = {kind: read(visit, FEW) for kind, read in LISTS.items()}
    return visit.render(
        "organisation.html",
        name=name,
        row=row_of(visit.view, now),
        rounds=rounds,
        head=_head(visit),
        waiting=waiting[-1] if waiting else None,
        balances=None if proof is None else _proof_text(proof, now),
        lists=lists,
        retried=visit.number("retried") if "retried" in visit.request.query_params else 0,
    )


def _head(visit: Visit) -> Head | None:
    with opened_picture(visit.project.data_folder(visit.name)) as picture:
        return None if picture is None else picture.head


def _round_row(one: LoggedRound, now: float) -> RoundRow:
    waits = one.error == ApprovalNeeded.__name__
    return RoundRow(
        at=when(one.at),
        ago=duration(now - one.at),
        said="a plan waits for approval" if waits else one.said,
        took=f"{one.seconds:.1f} s",
        times=one.times,
        failed=bool(one.error) and not waits,
    )


def _proof_text(proof: Proof, now: float) -> tuple[bool, str]:
    ago = duration(now - proof.at)
    if proof.balanced:
        return True, f"balanced, {ago} ago"
    return False, f"{proof.differences:,} differ, {ago} ago"
