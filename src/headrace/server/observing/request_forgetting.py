"""Erases a person's data from the request journal on request."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

import msgspec

from headrace.server.observing.request_journal import Exchange, open_journal

_DECODER = msgspec.msgpack.Decoder(list[Exchange])


def forget_exchanges(
    path: Path, organisation: str, words: Collection[str], dry_run: bool = False
) -> int:
    """Delete the organisation's requests that contain one of the words as a value in a body, in
    their path, or as the customer they were about.

    Works while a hub writes. The file is rewritten so that no trace remains. Returns the number of
    requests; 0 without a journal.
    """
    if not path.exists():
        return 0
    marks = [msgspec.json.encode(word) for word in words]
    removed = 0
    with closing(open_journal(path)) as db:
        db.isolation_level = None
        db.execute("PRAGMA secure_delete=ON")
        for (seq,) in db.execute("SELECT seq FROM kept ORDER BY seq").fetchall():
            db.execute("BEGIN IMMEDIATE")
            row = db.execute("SELECT batch FROM kept WHERE seq = ?", (seq,)).fetchone()
            batch = _DECODER.decode(row[0]) if row else []
            left = [one for one in batch if not _tells(one, organisation, words, marks)]
            removed += len(batch) - len(left)
            if not dry_run and len(left) < len(batch):
                array = msgspec.msgpack.encode(left)
                values = (array, len(array), seq)
                db.execute("UPDATE kept SET batch = ?, size = ? WHERE seq = ?", values)
            db.execute("COMMIT")
        if not dry_run:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return removed


def forget_organisation(path: Path, organisation: str, until: datetime) -> None:
    """Delete all requests of an organisation that were answered until then, also while hubs write.

    Those of a new organisation of the same name, which are later, stay. The bytes are overwritten.
    """
    if not path.exists():
        return
    with closing(open_journal(path)) as db:
        db.isolation_level = None
        db.execute("PRAGMA secure_delete=ON")
        db.execute("BEGIN IMMEDIATE")
        mine = "SELECT seq, batch FROM kept WHERE organisation = ?"
        for seq, array in db.execute(mine, (organisation,)).fetchall():
            left = [one for one in _DECODER.decode(array) if one.at > until]
            if left:
                array = msgspec.msgpack.encode(left)
                values = (array, len(array), seq)
                db.execute("UPDATE kept SET batch = ?, size = ? WHERE seq = ?", values)
            else:
                db.execute("DELETE FROM kept WHERE seq = ?", (seq,))
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _tells(
    one: Exchange, organisation: str, words: Collection[str], marks: Collection[bytes]
) -> bool:
    record = one.record
    if record.organisation and record.organisation != organisation:
        return False
    if record.customer in words or (record.entity == "customer" and record.external_id in words):
        return True
    if any(mark in one.sent or mark in one.answered for mark in marks):
        return True
    parts = (unquote(part) for part in re.split(r"[/?&=]", one.path))
    return any(part.removeprefix("external:") in words for part in parts)
