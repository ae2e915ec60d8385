"""Delivery: sends a plan's operations at the API's pace, in the customers' lanes.

Never two requests of one customer at a time; each acknowledgement is in the journal before the
lane goes on; a lane that waits, for a retry or for another lane, holds no slot; the settled past
starts when every open item is complete.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Sequence

from headrace.book.payloads import payload_hash
from headrace.client.pace import WINDOW, Pace
from headrace.client.transport import Answer, Transport
from headrace.client.verdict import Verdict, judge, message_of, retry_after
from headrace.model.clock import Clock
from headrace.model.errors import ApiError, Refused, Unauthorised, Unreachable
from headrace.sync.echo import kept_otherwise
from headrace.sync.feed import Feed
from headrace.sync.journal import Acknowledged, Drift, Journal, Key
from headrace.sync.operation import OPEN_ITEMS, Lane, Operation
from headrace.sync.pdf_files import PDF_OF, NoPdf
from headrace.sync.positions import ENTITIES, refused_position
from headrace.sync.progress import Progress
from headrace.sync.reduced import Held, leave_positions_out
from headrace.sync.refusals import Refusals
from headrace.sync.wire import request_of

_ATTEMPTS = 6
"""Failures of one operation before it is left for the next run: 1, 2, 4, 8, 16 s between."""
_WAIT_MAX = 60.0
_JITTER = 0.25
_MOMENT = 0.01
_QUIET = 0.003
"""Seconds without an answer after which a burst of them is over."""
_SAY_EVERY = 1.0
_THROTTLED_MAX = 5 * WINDOW
"""Seconds of nothing but 429 before the run stops: some other program takes all of the rate."""


class Delivery:
    """One run over one plan. `stopped` tells why it ended early, None when it did not."""

    def __init__(
        self,
        feed: Feed,
        transport: Transport,
        pace: Pace,
        journal: Journal,
        clock: Clock,
        progress: Progress,
        patience: float = 60.0,
    ) -> None:
        self._feed = feed
        self._transport = transport
        self._pace = pace
        self._journal = journal
        self._clock = clock
        self._progress = progress
        self._patience = patience
        self._random = random.Random()
        self.stopped: ApiError | None = None
        self.interrupted = False
        self.sliced = False
        """Whether it ended because its time was over, with more left to send."""
        self._ends_at: float | None = None

        self._ready: list[Lane] = []
        self._again: list[Lane] = []
        """Lanes whose pause before a retry is over; they go before the ready ones."""
        self._lanes_of: dict[str, list[Lane]] = {}
        self._waiting: dict[int, list[Lane]] = {}
        self._unfinished = [0, 0, 0]
        self._upcoming: list[Lane] = []
        self._landed: set[int] = set()
        self._missing: set[Key] = set()
        self._refusals = Refusals(journal)
        self._refused_positions: set[str] = set()
        """Found in this run; what is loaded still has them."""
        self._held = Held()
        self._requests: set[asyncio.Task[None]] = set()
        self._pauses: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()
        self._failing_since: float | None = None
        self._throttled_since: float | None = None
        self._failing: set[int] = set()
        """Operations that failed since the API last decided on a record."""
        self._defect: BaseException | None = None
        self._said_at = -_SAY_EVERY

    def interrupt(self) -> None:
        """Lets what is in flight finish and ends; everything else stays planned."""
        self.interrupted = True
        self._moved.set()

    def end_after(self, seconds: float) -> None:
        """Ends as gently as `interrupt` when so much time has passed and history is left."""
        self._ends_at = self._clock.monotonic() + seconds

    async def run(self) -> None:
        """Delivers everything that can be delivered now."""
        try:
            await self._drain()
            while self._grant_second_chances() or self._send_reduced():
                await self._drain()
        finally:
            for pause in self._pauses:
                pause.cancel()
            if self._requests:
                await asyncio.wait(self._requests)
        if self._defect is not None:
            raise self._defect
        if self._ending:
            # What would have freed the others may not have landed yet: they stay planned.
            self._progress.rejected -= self._refusals.forget()
        else:
            self._refusals.conclude()

    @property
    def _ending(self) -> bool:
        return (
            self.interrupted or self.sliced or self.stopped is not None or self._defect is not None
        )

    @property
    def _down(self) -> bool:
        """Whether the API seems to be down: then nothing new is tried, only what failed."""
        return len(self._failing) >= self._pace.in_flight_limit

    # choosing what goes next -----------------------------------------------------------------

    async def _drain(self) -> None:
        while not self._ending:
            if self._ends_at is not None and self._clock.monotonic() >= self._ends_at:
                self.sliced = True
                return
            if not self._ready:
                self._refill()
            if not self._again and (self._down or not self._ready):
                if not self._requests and not self._pauses:
                    if not self._waiting:
                        return
                    self._release_waiting()
                    continue
                await self._pause(None)
                continue
            if (seconds := self._pace.wait()) != 0.0:
                if self._stocked:
                    await self._pause(self._until_end(seconds))
                elif not await self._pause(_QUIET):
                    # Reading ahead takes a moment; answers that come in one burst wait for none.
                    self._refill()
                continue
            if (taken := self._take()) is not None:
                self._pace.take()
                task = asyncio.create_task(self._send(*taken))
                self._requests.add(task)
                task.add_done_callback(self._finished)

    def _until_end(self, seconds: float | None) -> float | None:
        """That long, or until the slice is over."""
        if self._ends_at is None:
            return seconds
        rest = max(0.0, self._ends_at - self._clock.monotonic())
        return rest if seconds is None else min(seconds, rest)

    async def _pause(self, seconds: float | None) -> bool:
        """Until something moves, or so many seconds have passed; whether it moved."""
        self._say(at_once=seconds is not None and seconds >= _SAY_EVERY)
        self._moved.clear()
        if seconds is None:
            await self._moved.wait()
            return True
        moved = asyncio.create_task(self._moved.wait())
        tasks = {moved, asyncio.ensure_future(self._clock.sleep(seconds))}
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        return self._moved.is_set()

    def _say(self, *, at_once: bool) -> None:
        """Lets others see how far it is, at no cost for each request."""
        if at_once or self._clock.monotonic() - self._said_at >= _SAY_EVERY:
            self._said_at = self._clock.monotonic()
            self._journal.note_state(self._progress.state())

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        self._moved.set()
        if not task.cancelled():
            self._defect = self._defect or task.exception()

    @property
    def _stocked(self) -> bool:
        """Whether reading ahead would bring nothing that can be used yet."""
        if self._down or len(self._ready) >= 2 * self._pace.in_flight_limit:
            return True
        if self._upcoming:
            return self._is_early(self._upcoming[0]) and not self._upcoming[0].hungry
        return self._feed.ended

    def _is_early(self, lane: Lane) -> bool:
        """Whether it has to wait: the settled past does until the open items are complete."""
        return lane.phase > OPEN_ITEMS and any(self._unfinished[: OPEN_ITEMS + 1])

    def _refill(self) -> None:
        """Keeps enough lanes ready, and the first of the settled past loaded in time."""
        while not self._stocked:
            if not self._upcoming:
                self._upcoming = self._feed.next_lanes()
                continue
            lanes = self._upcoming
            if lanes[0].hungry:
                self._feed.load(lanes)
            if self._is_early(lanes[0]):
                break
            self._note_open_complete(lanes[0].phase)
            self._upcoming = []
            for lane in lanes:
                self._add(lane)
        if not self._upcoming and not any(self._unfinished):
            self._note_open_complete(OPEN_ITEMS + 1)

    def _note_open_complete(self, phase: int) -> None:
        if phase > OPEN_ITEMS and self._progress.open_complete_after is None:
            self._progress.open_complete_after = self._progress.elapsed

    def _add(self, lane: Lane) -> None:
        self._unfinished[lane.phase] += 1
        line = self._lanes_of.setdefault(lane.customer, [])
        line.append(lane)
        if len(line) == 1:
            heapq.heappush(self._ready, lane)

    def _take(self) -> tuple[Lane, Operation] | None:
        """The next operation that may go, with its lane, which then is no longer ready."""
        while lanes := self._again or ([] if self._down else self._ready):
            lane = heapq.heappop(lanes)
            if lane.hungry:
                self._feed.load([lane])
            operation = lane.queue[0]
            if any(key in self._missing for key in operation.refers_to):
                self._hold(lane, operation)
                continue
            waits = [n for n in operation.waits_for if n not in self._landed]
            if waits:
                self._waiting.setdefault(waits[0], []).append(lane)
                continue
            if self._refused_positions:
                leave_positions_out(operation, self._refused_positions)
            return lane, operation
        return None

    def _advance(self, lane: Lane) -> None:
        """The lane's first operation is settled: go on with the next, or with the next lane."""
        lane.queue.popleft()
        if not lane.exhausted:
            heapq.heappush(self._ready, lane)
            return
        self._unfinished[lane.phase] -= 1
        line = self._lanes_of[lane.customer]
        line.pop(0)
        if line:
            heapq.heappush(self._ready, line[0])
        else:
            del self._lanes_of[lane.customer]

    def _settle(self, operation: Operation) -> None:
        """Lanes that wait for this operation may look again."""
        if operation.number in self._feed.awaited:
            self._landed.add(operation.number)
            for lane in self._waiting.pop(operation.number, ()):
                heapq.heappush(self._ready, lane)

    def _release_waiting(self) -> None:
        """What is waited for will not come in this run: let the lanes find out."""
        for number in list(self._waiting):
            self._landed.add(number)
            for lane in self._waiting.pop(number):
                heapq.heappush(self._ready, lane)

    # sending ---------------------------------------------------------------------------------

    async def _send(self, lane: Lane, operation: Operation) -> None:
        deleting = operation.action == "delete"
        method, path = request_of(operation)
        started = self._clock.monotonic()
        try:
            answer = await self._answer(method, path, operation)
        except NoPdf as error:
            self._progress.failed.append(f"{operation.entity} {operation.external_id} at {error}")
            self._hold(lane, operation, given_up=True)
            return
        except Unreachable as error:
            self._journal.answered()
            self._failed(lane, operation, str(error), answered=False)
            return
        finally:
            self._pace.release()
        self._progress.answered(self._clock.monotonic() - started)
        verdict = judge(answer, deleting)
        if verdict in (Verdict.DONE, Verdict.REJECTED) and not self._is_elsewhere(method, answer):
            self._failing_since = self._throttled_since = None
            self._failing.clear()
            self._progress.note = ""
            if operation.is_release:
                self._released(lane, operation, verdict)
            elif verdict is Verdict.DONE:
                self._acknowledged(lane, operation, answer)
            else:
                self._rejected(lane, operation, answer)
            return
        self._undecided(lane, operation, answer, verdict)

    async def _answer(self, method: str, path: str, operation: Operation) -> Answer:
        if operation.entity not in PDF_OF:
            return await self._transport.send(method, path, operation.body)
        async with self._feed.pdfs.open(*operation.key) as pdf:
            operation.hash = pdf.digest
            return await self._transport.upload(path, pdf.file, "document.pdf")

    def _is_elsewhere(self, method: str, answer: Answer) -> bool:
        """Whether the path itself is unknown: 404 to an import, when none was ever taken."""
        return method == "POST" and answer.status in (404, 405) and not self._journal.count()

    def _undecided(
        self, lane: Lane, operation: Operation, answer: Answer, verdict: Verdict
    ) -> None:
        """The answer says nothing about the record: try again, wait, or stop it all."""
        self._journal.answered()
        if verdict is Verdict.RETRY:
            self._failed(lane, operation, f"status {answer.status}: {message_of(answer)}")
        elif verdict is Verdict.THROTTLED:
            self._throttled(lane, retry_after(answer, self._clock))
        elif verdict is Verdict.UNAUTHORISED:
            self._stop(Unauthorised(f"status {answer.status}: {message_of(answer)}"))
        else:
            self._stop(Refused(answer.status, message_of(answer)))

    def _throttled(self, lane: Lane, seconds: float) -> None:
        """Some other program uses the key as well: wait as asked; it is not an error."""
        now = self._clock.monotonic()
        self._progress.throttled += 1
        self._throttled_since = now if self._throttled_since is None else self._throttled_since
        if now + seconds - self._throttled_since > _THROTTLED_MAX:
            self._stop(Unreachable(f"status 429: it asks to wait {seconds:.0f} s more"))
            return
        self._pace.close_for(seconds)
        self._progress.note = f"the API asked to wait {seconds:.0f} s (429)"
        heapq.heappush(self._ready, lane)

    def _acknowledged(self, lane: Lane, operation: Operation, answer: Answer) -> None:
        self._refusals.make_room(operation)
        self._journal.acknowledge(
            [
                Acknowledged(
                    operation.entity,
                    operation.external_id,
                    operation.customer,
                    operation.fingerprint,
                    operation.hash,
                    operation.payload,
                    operation.action,
                )
            ]
        )
        if operation.claims:
            self._journal.keep_collected(operation.entity, [], [operation.claims])
        if operation.body and (fields := kept_otherwise(operation.body, answer.body)):
            self._journal.mark_drifted([Drift(*operation.key, fields)])
            self._progress.drifted += 1
        self._progress.done += 1
        if lane.phase <= OPEN_ITEMS:
            self._progress.open_done += 1
        self._missing.discard(operation.key)
        self._settle(operation)
        self._advance(lane)

    def _released(self, lane: Lane, operation: Operation, verdict: Verdict) -> None:
        """The journal says what the API has now; the record itself follows."""
        if verdict is Verdict.DONE and operation.body is not None:
            self._refusals.make_room(operation)
            entity, external_id = operation.key
            hash = payload_hash(operation.body)
            taken = Acknowledged(
                entity, external_id, operation.customer, None, hash, operation.body, "update"
            )
            self._journal.acknowledge([taken])
        else:
            self._journal.answered()
        if operation.action == "release":
            self._progress.done += 1
            self._progress.open_done += 1
            self._settle(operation)
        self._advance(lane)

    def _goes_without_position(self, lane: Lane, operation: Operation, answer: Answer) -> bool:
        """Whether only a contact's position is refused: the record goes again, without."""
        if operation.entity not in ENTITIES or operation.payload is None:
            return False
        position = refused_position(operation.payload, answer)
        if position is None:
            return False
        self._journal.answered()
        if position not in self._refused_positions:
            self._refused_positions.add(position)
            self._journal.refuse_position(position, message_of(answer))
        heapq.heappush(self._ready, lane)
        return True

    def _rejected(self, lane: Lane, operation: Operation, answer: Answer) -> None:
        if self._goes_without_position(lane, operation, answer):
            return
        self._refusals.add(operation, answer)
        self._progress.rejected += 1
        if operation.action == "create":
            self._missing.add(operation.key)
        self._settle(operation)
        self._advance(lane)

    def _hold(self, lane: Lane, operation: Operation, given_up: bool = False) -> None:
        """It stays planned: something it refers to was refused in this run, or it is given up."""
        self._progress.held += 1
        if operation.action == "create":
            self._missing.add(operation.key)
        self._held.add(operation, given_up)
        self._settle(operation)
        self._advance(lane)

    # failing ---------------------------------------------------------------------------------

    def _failed(
        self, lane: Lane, operation: Operation, trouble: str, answered: bool = True
    ) -> None:
        """Schedules the retry in the lane; the others go on.

        A record that alone gets no other answer than 5xx is given up for this run.
        """
        now = self._clock.monotonic()
        self._failing_since = now if self._failing_since is None else self._failing_since
        self._failing.add(operation.number)
        operation.attempts += 1
        left = self._failing_since + self._patience - now
        if left < _MOMENT:
            self._stop(Unreachable(trouble))
            return
        if answered and operation.attempts >= _ATTEMPTS and not self._down:
            name = f"{operation.entity} {operation.external_id}"
            self._progress.failed.append(f"{name} failed {operation.attempts} times: {trouble}")
            self._hold(lane, operation, given_up=True)
            return
        self._progress.retries += 1
        wait = min(_WAIT_MAX, 2.0 ** (operation.attempts - 1))
        wait = min(left, wait * (1 + self._random.random() * _JITTER))
        self._progress.note = f"{trouble}; next try in {wait:.0f} s"
        pause = asyncio.create_task(self._resume(lane, wait))
        self._pauses.add(pause)
        pause.add_done_callback(self._pauses.discard)

    async def _resume(self, lane: Lane, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._pauses.discard(asyncio.current_task())
        heapq.heappush(self._again, lane)
        self._moved.set()

    def _stop(self, error: ApiError) -> None:
        self.stopped = self.stopped or error
        self._moved.set()

    def _grant_second_chances(self) -> bool:
        """Plans anew what was refused too early, with what was held because of it, if anything."""
        if self._ending:
            return False
        releases, again = self._refusals.take()
        if not again:
            return False
        held = self._held.take()
        self._missing -= {operation.key for operation in (*again, *held)}
        self._progress.rejected -= len(again)
        self._progress.held -= len(held)
        waiting = sorted([*again, *held], key=lambda operation: operation.number)
        self._add_again([*releases, *waiting])
        return True

    def _send_reduced(self) -> bool:
        """What settles a record that the API refused for good goes without; whether any does."""
        going = [] if self._ending else self._held.take_reduced(self._missing)
        self._progress.held -= len(going)
        self._add_again(going)
        return bool(going)

    def _add_again(self, operations: Sequence[Operation]) -> None:
        for rank, operation in enumerate(operations):
            operation.attempts = 0
            lane = Lane(customer=operation.customer, phase=0, next=1, last=0, rank=rank)
            lane.queue.append(operation)
            self._add(lane)
