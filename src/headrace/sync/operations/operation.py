"""Operations: one request each, with all that delivery has to know about it."""

from __future__ import annotations

from collections import deque

from msgspec import Struct, field

from headrace.model.fields import link_fields, sent_fields
from headrace.model.record import UNSET, Record
from headrace.sync.journal import Key

# Phases of delivery: changes to what the API has, open items, the settled past.
CHANGES, OPEN_ITEMS, SETTLED_PAST = range(3)

# What stands in the way of others, besides records by their keys.
ANY_LINK: Key = ("link", "")
"""Whichever links there are between documents."""
UNKNOWN_LINK: Key = ("link", "unknown")
"""Any link that was given back, where the acknowledged payload was not kept."""
ANY_FAMILY: Key = ("family", "")
"""Who is whose parent."""


class Operation(Struct, kw_only=True):
    """One request; `attempts` counts those that failed."""

    number: int
    entity: str
    external_id: str
    action: str
    customer: str
    fingerprint: int | None
    hash: bytes | None = None
    payload: bytes | None = None
    """What the journal keeps: the canonical JSON."""
    body: bytes | None = None
    """What is sent: the same, with null for what an earlier payload had and this one lacks."""
    claims: str = ""
    """The API's id of the collected record that it becomes; empty for one that is new there."""
    refers_to: tuple[Key, ...] = ()
    waits_for: tuple[int, ...] = ()
    """Numbers of operations of other lanes that must land first."""
    rebinds: bool = False
    """Whether it changes whose the record is, its currency, amounts, links or parent."""
    frees: tuple[Key, ...] = ()
    """What it takes an allocation back from, so that others can have it."""
    release: bytes | None = None
    """What the API has, without what it gives back: for when others must have that first."""
    is_part: bool = False
    """Whether some of its links follow in a request of their own."""
    follows: bool = False
    """Whether it is that request: it brings what a part of it had to leave out."""
    is_release: bool = False
    """Whether it only sends a release; the record stays planned."""
    attempts: int = 0
    failing_since: float | None = None
    """By the clock's monotonic seconds; None before the first failure."""
    is_unsure: bool = False
    """Whether a request of it may have been carried out without an answer that says so."""

    @property
    def key(self) -> Key:
        """What it writes."""
        return self.entity, self.external_id

    @property
    def touches(self) -> tuple[Key, ...]:
        """What its landing may make possible: its own record, the documents it is linked to or no
        longer, and what goes by links or families."""
        others = (key for key in self.refers_to if key[0] != "customer")
        return (self.key, *others, *self.frees, *self._affected, *self._siblings)

    @property
    def obstacles(self) -> tuple[Key, ...]:
        """What may have to land before, where it was refused, see `touches`; nothing when it can
        only be wrong itself."""
        if self.entity == "contact":
            return self._siblings
        if self.action == "delete":
            return (ANY_LINK, ANY_FAMILY)
        if self.entity == "customer":
            return (*self.refers_to, ANY_LINK, ANY_FAMILY) if self.rebinds else self.refers_to
        # Without its customer it would have been held.
        linked = [key for key in self.refers_to if key[0] != "customer"]
        own = [self.key] if self.rebinds else []
        known = [*linked, *own]
        return (*known, UNKNOWN_LINK, *([ANY_FAMILY] if linked else ())) if known else ()

    @property
    def _siblings(self) -> tuple[Key, ...]:
        """Of a contact: two of a customer never have the same e-mail."""
        return (("contacts", self.customer),) if self.entity == "contact" else ()

    @property
    def _affected(self) -> tuple[Key, ...]:
        if not self.rebinds and self.action != "delete":
            return ()
        return (ANY_FAMILY,) if self.entity == "customer" else (ANY_LINK,)


class Lane(Struct, kw_only=True):
    """The operations of one customer in one phase, one after the other."""

    customer: str
    phase: int
    next: int
    """Number of the first operation that is not loaded yet."""
    last: int
    rank: int
    queue: deque[Operation] = field(default_factory=deque)

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left, loaded or not."""
        return not self.queue and self.next > self.last

    @property
    def hungry(self) -> bool:
        """Whether more has to be loaded before it can go on."""
        return not self.queue and self.next <= self.last

    def __lt__(self, other: Lane) -> bool:
        return self.rank < other.rank


def references(record: Record) -> tuple[Key, ...]:
    """The records that must exist before this one can be taken."""
    kind = type(record)
    direct = (
        (field.rule.refers, getattr(record, field.name))
        for field in sent_fields(kind)
        if field.rule.refers
    )
    linked = (
        (field.refers, getattr(link, field.refers))
        for field in link_fields(kind)
        for link in getattr(record, field.name) or ()
    )
    return tuple(
        (entity, str(to.external_id)) for entity, to in (*direct, *linked) if to is not UNSET
    )
