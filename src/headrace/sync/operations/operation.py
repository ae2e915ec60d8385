"""Operations: one request each, with everything that delivery needs to know about it."""

from __future__ import annotations

from collections import deque

from msgspec import Struct, field

from headrace.model.fields import link_fields, sent_fields
from headrace.model.record import UNSET, Record
from headrace.sync.journal import Key

# Phases of delivery: changes to what the API has, open items, the settled past.
CHANGES, OPEN_ITEMS, SETTLED_PAST = range(3)

# Keys for what may block an operation besides single records.
ANY_LINK: Key = ("link", "")
"""Any link between documents."""
UNKNOWN_LINK: Key = ("link", "unknown")
"""A link that an update may have given back; used where the journal kept no payload."""
ANY_FAMILY: Key = ("family", "")
"""Any change of a customer's parent."""


class Operation(Struct, kw_only=True, gc=False):
    """One request, and the record that it creates, updates or deletes."""

    number: int
    entity: str
    external_id: str
    action: str
    customer: str
    fingerprint: int | None
    hash: bytes | None = None
    payload: bytes | None = None
    """The canonical JSON that the journal keeps."""
    body: bytes | None = None
    """The JSON that is sent: the payload, plus null for fields that the row has emptied."""
    claims: str = ""
    """The API's id of the collected record that it claims; empty if it claims none."""
    refers_to: tuple[Key, ...] = ()
    """Records that must exist before the API accepts it."""
    waits_for: tuple[int, ...] = ()
    """Numbers of operations in other lanes that must be acknowledged first."""
    rebinds: bool = False
    """Whether it changes the record's customer, currency, amounts, links or parent."""
    frees: tuple[Key, ...] = ()
    """Documents from which it takes back a link or part of one."""
    release: bytes | None = None
    """The payload of a release: what the API has, without the links that are given back."""
    keeps_parent: bool = False
    """Whether it says nothing of a parent that the API may have, because the row's is in error."""
    is_part: bool = False
    """Whether some of its links follow in a request of their own."""
    follows: bool = False
    """Whether it is such a request, which adds late links."""
    is_release: bool = False
    """Whether it only sends a release; the record stays planned."""
    attempts: int = 0
    """Number of failed requests."""
    failing_since: float | None = None
    """Monotonic seconds of the clock at the first failure; None before it."""
    is_unsure: bool = False
    """Whether one of its requests may have been carried out although no answer was seen."""

    @property
    def key(self) -> Key:
        """The record that it writes."""
        return self.entity, self.external_id

    @property
    def touches(self) -> tuple[Key, ...]:
        """Keys that it affects; refused operations with such an obstacle may now succeed.

        These are its own record, the documents that it links to or no longer links to, and links
        or families in general where it changes them.
        """
        others = (key for key in self.refers_to if key[0] != "customer")
        return (self.key, *others, *self.frees, *self._affected, *self._siblings)

    @property
    def obstacles(self) -> tuple[Key, ...]:
        """Keys of `touches` that may have caused a refusal of it; empty if only it can be wrong.

        Example: a payment was refused because its invoice is covered. Its obstacles include the
        invoice, so it is sent once more after another payment gave back its link to the invoice.
        """
        if self.entity == "contact":
            return self._siblings
        if self.action == "delete":
            return (ANY_LINK, ANY_FAMILY)
        if self.entity == "customer":
            return (*self.refers_to, ANY_LINK, ANY_FAMILY) if self.rebinds else self.refers_to
        # Its customer exists: without it, the operation would have been held and not sent.
        linked = [key for key in self.refers_to if key[0] != "customer"]
        own = [self.key] if self.rebinds else []
        known = [*linked, *own]
        return (*known, UNKNOWN_LINK, *([ANY_FAMILY] if linked else ())) if known else ()

    @property
    def _siblings(self) -> tuple[Key, ...]:
        """The customer's other contacts: two of them can't have the same e-mail address."""
        return (("contacts", self.customer),) if self.entity == "contact" else ()

    @property
    def _affected(self) -> tuple[Key, ...]:
        if not self.rebinds and self.action != "delete":
            return ()
        return (ANY_FAMILY,) if self.entity == "customer" else (ANY_LINK,)


class Lane(Struct, kw_only=True, gc=False):
    """The operations of one customer in one phase, sent one after the other."""

    customer: str
    phase: int
    next: int
    """Number of the first operation that is not loaded yet."""
    last: int
    rank: int
    queue: deque[Operation] = field(default_factory=deque)

    @property
    def exhausted(self) -> bool:
        """Whether no operation is left, loaded or not."""
        return not self.queue and self.next > self.last

    @property
    def needs_operations(self) -> bool:
        """Whether more operations have to be loaded before the lane can continue."""
        return not self.queue and self.next <= self.last

    def __lt__(self, other: Lane) -> bool:
        return self.rank < other.rank


def references(record: Record) -> tuple[Key, ...]:
    """Return the records that must exist before the API accepts this one."""
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
