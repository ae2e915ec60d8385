"""The scheduled comparison of all balances with the API's."""

from __future__ import annotations

import asyncio
from contextlib import closing

from headrace.fleet.project import LoadedProject
from headrace.fleet.round import Round
from headrace.model.clock import Clock
from headrace.sync.journal import Journal
from headrace.sync.remote.proof import Reconciled


async def prove(project: LoadedProject, name: str, clock: Clock) -> Reconciled:
    """Compare an organisation's balances with the API's, and record the result in the journal.

    Raises whatever `LoadedProject.open`, `Organisation.prepare` and `RemoteCommands.reconcile`
    raise.
    """
    opened = await asyncio.to_thread(project.open, name, clock)
    try:
        await opened.prepare()
        await asyncio.to_thread(opened.plan)  # explains a document that is not there
        proof = await opened.remote.reconcile()
        opened.journal.note_proof(proof.balanced, len(proof.differences) + len(proof.statements))
    finally:
        await asyncio.to_thread(opened.close)
    return proof


def proof_is_due(project: LoadedProject, round: Round, clock: Clock) -> bool:
    """Whether the interval has passed since the last comparison, and the round left nothing to
    send, so that a difference is not merely a change that is still to come."""
    interval = project.settings_of(round.organisation).reconcile_seconds
    if interval is None or round.error is not None or round.pending != 0:
        return False
    with closing(Journal(project.journal_place(round.organisation), clock)) as journal:
        proof = journal.proof()
    return proof is None or clock.now().timestamp() - proof.at >= interval
