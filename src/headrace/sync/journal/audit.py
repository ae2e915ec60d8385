"""The journal's section of decisions about plans, as a chain that shows changes.

Each entry contains the hash of the one before it, and its own hash covers all of that. Whoever can
write the journal could make a new chain from the start; a hash that was noted elsewhere, such as
the one in an alert, is then no longer in it.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from headrace.sync.journal.section import Section


class AuditEntry(Struct, frozen=True):
    """One decision."""

    number: int
    at: float
    """Seconds since 1970."""
    action: str
    """`requested`, `approved`, `applied`, `lapsed` or `forced`."""
    who: str
    subject: str
    """Id of the plan."""
    digest: str
    """Digest of the plan: its operations and the rows behind them."""
    detail: str
    previous: str
    hash: str


def _hash(identity: str, entry: AuditEntry) -> str:
    values = [identity, *msgspec.structs.astuple(entry)[:-1]]
    return hashlib.sha256(msgspec.json.encode(values)).hexdigest()


class AuditSection(Section):
    """The audit log. Entries are only ever added."""

    def audit(self, action: str, who: str, subject: str, digest: str, detail: str) -> AuditEntry:
        """Add an entry; returns it."""
        with self._db.transaction():
            row = self._db.run("newest_audit").fetchone()
            number, previous = (row[0] + 1, row[1]) if row else (1, "")
            now = self._clock.now().timestamp()
            entry = AuditEntry(number, now, action, who, subject, digest, detail, previous, "")
            entry = msgspec.structs.replace(entry, hash=_hash(self._identity, entry))
            self._db.run("add_audit", msgspec.structs.astuple(entry))
        return entry

    def audit_entries(self) -> list[AuditEntry]:
        """Return all entries, the oldest first."""
        return [AuditEntry(*row) for row in self._db.run("audit_entries").fetchall()]

    def audit_head(self) -> str:
        """Return the hash of the newest entry; empty if there is none."""
        row = self._db.run("newest_audit").fetchone()
        return str(row[1]) if row else ""

    def verify_audit(self, noted: str = "") -> list[str]:
        """Return what is wrong with the chain, a sentence each; nothing if it is complete.

        `noted` is a hash that was noted earlier, which must be in it.
        """
        found, previous = [], ""
        entries = self.audit_entries()
        for place, entry in enumerate(entries, 1):
            if entry.number != place:
                found.append(f"entry {place} is missing: {entry.number} follows {place - 1}")
                break
            if entry.previous != previous:
                found.append(f"entry {place} does not follow the one before it")
            if entry.hash != _hash(self._identity, entry):
                found.append(f"entry {place} was changed")
            previous = entry.hash
        if noted and noted not in {entry.hash for entry in entries}:
            found.append(f"no entry has the hash {noted}, so entries were removed or made anew")
        return found
