"""Operations that stay behind in a run, and those that go without an optional part that the API
does not take."""

from __future__ import annotations

from collections.abc import Collection

from headrace.book.payloads import payload_hash
from headrace.sync.journal import Key
from headrace.sync.operations.operation import Operation
from headrace.sync.operations.positions import ENTITIES, without_positions
from headrace.sync.operations.update import without_links_to
from headrace.sync.ordering.links import SETTLEMENTS

_SYNTHETIC = ("fix:", "settlement:")
"""Payments that are there for their link alone."""


def leave_positions_out(operation: Operation, refused: Collection[str]) -> None:
    """Contacts go without positions that were refused after the operation was built."""
    if operation.entity in ENTITIES and operation.payload and operation.body:
        _reduce(
            operation,
            without_positions(operation.payload, refused),
            without_positions(operation.body, refused),
        )


def leave_links_out(operation: Operation, missing: Collection[Key]) -> bool:
    """A settlement goes without its links to what is not there. False for what can't: its customer
    is not there either, or it is nothing without the link."""
    if operation.entity not in SETTLEMENTS or operation.external_id.startswith(_SYNTHETIC):
        return False
    if not operation.payload or not operation.body or any(k[0] == "customer" for k in missing):
        return False
    _reduce(
        operation,
        without_links_to(operation.payload, missing),
        without_links_to(operation.body, missing),
    )
    operation.refers_to = tuple(key for key in operation.refers_to if key not in missing)
    return True


def _reduce(operation: Operation, payload: bytes, body: bytes) -> None:
    # Without a fingerprint, the next plan compares what was sent with what the row says.
    operation.payload, operation.body, operation.fingerprint = payload, body, None
    operation.hash = payload_hash(payload)


class Held:
    """Operations that something in the run holds back."""

    def __init__(self) -> None:
        self._operations: list[Operation] = []
        self._given_up: set[Key] = set()

    def __len__(self) -> int:
        return len(self._operations)

    def add(self, operation: Operation, given_up: bool = False) -> None:
        """Holds it back: what it refers to is missing, or, `given_up`, it failed by itself."""
        self._operations.append(operation)
        if given_up:
            self._given_up.add(operation.key)

    def take(self) -> list[Operation]:
        """All of them, held back no longer."""
        taken, self._operations = self._operations, []
        return taken

    def take_reduced(self, missing: set[Key]) -> list[Operation]:
        """What can go without its links to what is missing for good, in order of the plan; what
        goes is taken out of `missing`."""
        held = sorted(self.take(), key=lambda operation: operation.number)
        missing -= {operation.key for operation in held}
        going = []
        for operation in held:
            lacks = [key for key in operation.refers_to if key in missing]
            # What failed may arrive the next time: what settles it waits with it.
            stays = not self._given_up.isdisjoint((operation.key, *lacks))
            if stays or (lacks and not leave_links_out(operation, lacks)):
                self._operations.append(operation)
                if operation.action == "create":
                    missing.add(operation.key)
            else:
                going.append(operation)
        return going
