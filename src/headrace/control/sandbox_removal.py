"""Deletes a sandbox by a command, with or without a hub that serves it."""

from __future__ import annotations

from headrace.model.clock import Clock, format_instant
from headrace.model.errors import NotFound
from headrace.server.observing.request_forgetting import forget_organisation
from headrace.server.observing.request_journal import JOURNAL
from headrace.store.admin.sandboxes import end_sandbox, find_sandbox, remove_sandbox
from headrace.store.engine.place import Place, transactions
from headrace.store.pdf_files import PdfFiles
from headrace.store.records.pdfs import doom_pdfs, forget_pdfs


def delete_sandbox(place: Place, files: PdfFiles, name: str, clock: Clock) -> None:
    """Delete a sandbox with all its data, also while a hub runs. Raises NotFound.

    Its keys end first, in a transaction of their own, so that no request comes in between.
    """
    now = clock.now()
    with transactions(place) as transact:
        sandbox = transact(find_sandbox, name)
        if sandbox is None:
            raise NotFound(f"There is no sandbox {name} here: `headrace sandbox --list` shows all.")
        transact(end_sandbox, sandbox.seq, now)
        transact(remove_sandbox, sandbox.seq)
        while doomed := transact(doom_pdfs, format_instant(now)):
            for file in doomed:
                files.remove(file.name)
            transact(forget_pdfs, doomed)
    if place.folder is not None:
        forget_organisation(place.folder / JOURNAL, name, clock.now())
