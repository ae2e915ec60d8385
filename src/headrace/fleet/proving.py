"""The scheduled comparison of all balances with the API's."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress
from functools import partial

from headrace.fleet.open_books import OpenBooks
from headrace.fleet.picture import keep_proof, picture_is_missing
from headrace.fleet.project import LoadedProject
from headrace.fleet.round import Round
from headrace.fleet.trouble import translated
from headrace.model.clock import Clock
from headrace.sync.journal import Journal
from headrace.sync.remote.proof import Reconciled
from headrace.sync.session import Organisation


async def prove(project: LoadedProject, name: str, clock: Clock) -> Reconciled:
    """Compare an organisation's balances with the API's, and record the result in the journal.

    Raises whatever `LoadedProject.open`, `Organisation.prepare` and `RemoteCommands.reconcile`
    raise.
    """
    opened = await asyncio.to_thread(project.open, name, clock)
    try:
        return await _proved(opened)
    finally:
        await asyncio.to_thread(opened.close)


async def prove_if_due(
    project: LoadedProject, round: Round, clock: Clock, books: OpenBooks | None
) -> None:
    """Do the same after a round, if it is due. The book is taken from `books`, if there are any.

    Nothing is raised: the next round meets what lasts, and a defect is in the log.
    """
    name = round.organisation
    try:
        if not await asyncio.to_thread(_is_due, project, round, clock):
            return
        if books is None:
            await prove(project, name, clock)
            return
        await asyncio.to_thread(books.settle, name)  # the round was noted since it was kept
        opened = await asyncio.to_thread(books.take, project, name)
        done = False
        try:
            await _proved(opened)
            done = True
        finally:
            after = partial(books.keep, project) if done else books.give_back
            await asyncio.to_thread(after, opened)
    except Exception as error:
        translated(project, name, clock, error)


async def _proved(opened: Organisation) -> Reconciled:
    await opened.prepare()
    await asyncio.to_thread(opened.plan)  # explains a document that is not there
    proof = await opened.remote.reconcile()
    opened.journal.note_proof(proof.balanced, len(proof.differences) + len(proof.statements))
    if not picture_is_missing(opened.data):  # there are pages, and they show it
        with suppress(OSError, sqlite3.Error):
            await asyncio.to_thread(keep_proof, opened.data, proof)
    return proof


def _is_due(project: LoadedProject, round: Round, clock: Clock) -> bool:
    """Whether the interval has passed since the last comparison, and the round left nothing to
    send, so that a difference is not merely a change that is still to come."""
    interval = project.settings_of(round.organisation).reconcile_seconds
    if interval is None or round.error is not None or round.pending != 0:
        return False
    with closing(Journal(project.journal_place(round.organisation), clock)) as journal:
        proof = journal.proof()
    return proof is None or clock.now().timestamp() - proof.at >= interval
