"""Operations that a run holds back, and those it sends without a part that the API refused."""

from __future__ import annotations

from collections.abc import Collection

from headrace.book.payloads.payloads import payload_hash
from headrace.sync.journal import Key
from headrace.sync.operations.operation import Operation
from headrace.sync.operations.positions import ENTITIES, without_positions
from headrace.sync.operations.update import without_links_to
from headrace.sync.ordering.links import SETTLEMENTS

_SYNTHETIC = ("fix:", "settlement:")
"""Prefixes of synthetic payments, which exist only for their link."""


def leave_positions_out(operation: Operation, refused: Collection[str]) -> None:
    """Remove contacts' positions that the API refused after the operation was built."""
    if operation.entity in ENTITIES and operation.payload and operation.body:
        _reduce(
            operation,
            without_positions(operation.payload, refused),
            without_positions(operation.body, refused),
        )


def leave_links_out(operation: Operation, missing: Collection[Key]) -> bool:
    """Remove a settlement's links to missing records.

    Returns False if it can't be sent without them: its customer is missing, it is a synthetic
    payment, or it is no settlement.
    """
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
    # Without a fingerprint, the next plan compares the payload that was sent with the row.
    operation.payload, operation.body, operation.fingerprint = payload, body, None
    operation.hash = payload_hash(payload)


class Held:
    """Operations that are held back during a run."""

    def __init__(self) -> None:
        self._operations: list[Operation] = []
        self._given_up: set[Key] = set()

    def __len__(self) -> int:
        return len(self._operations)

    def add(self, operation: Operation, given_up: bool = False) -> None:
        """Hold an operation: a record it refers to is missing or, `given_up`, it failed itself."""
        self._operations.append(operation)
        if given_up:
            self._given_up.add(operation.key)

    def take(self) -> list[Operation]:
        """Return all held operations and hold them no longer."""
        taken, self._operations = self._operations, []
        return taken

    def take_reduced(self, missing: set[Key]) -> list[Operation]:
        """Return the operations that can be sent without links to `missing`, in the plan's order.

        Removes the returned operations' records from `missing` and adds those that can't be
        created. Operations that stay held are kept.
        """
        held = sorted(self.take(), key=lambda operation: operation.number)
        missing -= {operation.key for operation in held}
        going = []
        for operation in held:
            lacks = [key for key in operation.refers_to if key in missing]
            # A record that failed without a decision may succeed in the next run, so its
            # settlements wait for it instead of losing the link.
            stays = not self._given_up.isdisjoint((operation.key, *lacks))
            if stays or (lacks and not leave_links_out(operation, lacks)):
                self._operations.append(operation)
                if operation.action == "create":
                    missing.add(operation.key)
            else:
                going.append(operation)
        return going
