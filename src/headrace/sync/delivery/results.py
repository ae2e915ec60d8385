"""Applies the result of an operation to its lane, the journal and dependent operations."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.client.answer import Answer
from headrace.client.verdict import Verdict, message_of
from headrace.sync.delivery.absent import Absent
from headrace.sync.delivery.lanes import Lanes
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.recorder import Recorder
from headrace.sync.delivery.refusals import Refusals
from headrace.sync.journal import Journal, Reject
from headrace.sync.operations.operation import OPEN_ITEMS, Lane, Operation
from headrace.sync.operations.positions import ENTITIES, refused_position
from headrace.sync.planning.reduced import Held, leave_positions_out

_RUNS = 5
"""Runs in which a record got no decision before it is refused."""


class Results:
    """Results of one delivery's operations, and which operations may still go."""

    def __init__(self, journal: Journal, lanes: Lanes, progress: Progress) -> None:
        self._journal = journal
        self._lanes = lanes
        self._progress = progress
        self.recorder = Recorder(journal)
        self.refusals = Refusals(journal)
        self._absent = Absent()
        self._held = Held()
        self._refused_positions: set[str] = set()
        """Positions refused in this run; loaded operations may still have them."""
        self._given_up: list[tuple[Operation, str]] = []

    def acknowledged(self, lane: Lane, operation: Operation, answer: Answer) -> None:
        """Handle an acknowledgement."""
        self.refusals.make_room(operation)
        if not self.recorder.acknowledged(operation, answer):
            self._progress.drifted += 1
        self._progress.done += 1
        if lane.phase <= OPEN_ITEMS:
            self._progress.open_done += 1
        self._absent.arrived(operation)
        self._lanes.advance(lane)

    def released(self, lane: Lane, operation: Operation, verdict: Verdict) -> None:
        """Handle the answer to a release; the record itself follows."""
        if verdict is Verdict.DONE and operation.body is not None:
            self.refusals.make_room(operation)
            self.recorder.released(operation)
            self._absent.arrived(operation)
        else:
            self.recorder.not_carried_out(operation)
            self._journal.answered()
        if operation.action == "release":
            self._progress.done += 1
            self._progress.open_done += 1
        self._lanes.advance(lane, settled=operation.action == "release")

    def _goes_without_position(self, lane: Lane, operation: Operation, answer: Answer) -> bool:
        """Send a record again without a contact's position if only that is refused.

        Returns whether it was.
        """
        if operation.entity not in ENTITIES or operation.payload is None:
            return False
        position = refused_position(operation.payload, answer)
        if position is None:
            return False
        self._journal.answered()
        if position not in self._refused_positions:
            self._refused_positions.add(position)
            self._journal.refuse_position(position, message_of(answer))
        self._lanes.put_back(lane)
        return True

    def rejected(self, lane: Lane, operation: Operation, answer: Answer) -> None:
        """Handle a refusal; the operation may go again when others were acknowledged."""
        self.recorder.not_carried_out(operation)
        if self._goes_without_position(lane, operation, answer):
            return
        self.recorder.send_again(operation)
        self.refusals.add(operation, answer)
        self._progress.rejected += 1
        self._absent.add(operation)
        self._lanes.advance(lane)

    def set_aside(self, lane: Lane, operation: Operation, given_up: bool = False) -> None:
        """Leave the operation planned: what it refers to was refused, or it is given up."""
        self.recorder.send_again(operation)
        self._progress.held += 1
        self._absent.add(operation, given_up)
        self._held.add(operation, given_up)
        self._lanes.advance(lane)

    def take(self) -> tuple[Lane, Operation] | None:
        """Take the next operation that may go, with its lane; set aside those that may not."""
        while (lane := self._lanes.take()) is not None:
            operation = lane.queue[0]
            if self._absent.is_missing_for(operation):
                self.set_aside(lane, operation)
                continue
            if self._absent.delays(operation):
                self.set_aside(lane, operation, given_up=True)
                continue
            if self._refused_positions:
                leave_positions_out(operation, self._refused_positions)
            return lane, operation
        return None

    def _again(self, releases: list[Operation], again: list[Operation]) -> bool:
        """Requeue what was refused too early, with what was held because of it.

        Returns whether there was any.
        """
        if not again:
            return False
        held = self._held.take()
        self._absent.forgive([*again, *held])
        self._progress.rejected -= len(again)
        self._progress.held -= len(held)
        waiting = sorted([*again, *held], key=lambda operation: operation.number)
        self._add_again([*releases, *waiting])
        return True

    def _send_reduced(self) -> bool:
        """Requeue held settlements without their links to refused records.

        Returns whether there were any.
        """
        going = self._held.take_reduced(self._absent.missing)
        self._progress.held -= len(going)
        self._add_again(going)
        return bool(going)

    def _add_again(self, operations: Sequence[Operation]) -> None:
        for operation in operations:
            operation.attempts, operation.failing_since = 0, None
        self._lanes.add_operations(operations)

    def give_up(self, lane: Lane, operation: Operation, trouble: str) -> None:
        """Give the operation up for this run; after several runs it becomes a reject."""
        name = f"{operation.entity.replace('_', ' ')} {operation.external_id}"
        said = f"{name} failed {operation.attempts} times: {trouble}"
        self._progress.failed.append(said)
        self._given_up.append((operation, trouble))
        self.set_aside(lane, operation, given_up=True)

    @property
    def given_up(self) -> int:
        """Number of records without a decision in this run."""
        return len(self._given_up)

    def send_again(self) -> bool:
        """Requeue what may succeed now. Returns whether there is any.

        Each kind is tried only when the one before has nothing left, from the most complete record
        to the least: as a whole after a release, with its links in a second request, and last
        without links to what was refused.
        """
        return (
            self._again(*self.refusals.take())
            or self._again(*self.refusals.take_halves())
            or self._send_reduced()
        )

    def conclude_failures(self) -> None:
        """Make rejects of records that got no decision in several runs."""
        for operation, trouble in self._given_up:
            runs = self._journal.note_failing(operation.key, trouble)
            if runs >= _RUNS:
                said = f"no decision in {runs} runs: {trouble}"
                reject = Reject(*operation.key, operation.fingerprint, 0, said, operation.payload)
                self._journal.reject(reject, operation.action)

    def conclude(self, ended_early: bool) -> None:
        """Make the refusals final. If the run `ended_early`, those that may still succeed stay
        planned instead."""
        if ended_early:
            self._progress.rejected -= self.refusals.forget()
        else:
            self.refusals.conclude()
