"""Delivery: sends a plan's operations at the API's pace, in the customers' lanes.

Never two requests of one customer at a time; each acknowledgement is in the journal before the
lane goes on; a lane that waits, for a retry or for another lane, holds no slot; the settled past
starts when every open item is complete.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from headrace.book.contact_keys import external_id_of
from headrace.client.answer import Answer
from headrace.client.breaker import Breaker
from headrace.client.health import Health
from headrace.client.pace import WINDOW, Pace
from headrace.client.retry import PATIENCE, Backoff, attempts_for
from headrace.client.transport import Transport
from headrace.client.verdict import Verdict, error_of, judge, judge_empty, message_of, retry_after
from headrace.model.clock import Clock
from headrace.model.errors import ApiError, NotTheApi, Unauthorised, Unreachable
from headrace.sync.delivery.absent import Absent
from headrace.sync.delivery.lanes import Lanes
from headrace.sync.delivery.loader import Feed
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.recorder import Notes
from headrace.sync.delivery.refusals import Refusals
from headrace.sync.journal import Journal, Reject
from headrace.sync.operations.operation import OPEN_ITEMS, Lane, Operation
from headrace.sync.operations.pdf_digests import PDF_OF, NoPdf
from headrace.sync.operations.positions import ENTITIES, refused_position
from headrace.sync.operations.request import request_of
from headrace.sync.planning.reduced import Held, leave_positions_out

_QUIET = 0.003
"""Seconds without an answer after which a burst of them is over."""
_SAY_EVERY = 1.0
_THROTTLED_MAX = 5 * WINDOW
"""Seconds of nothing but 429 before the run stops: some other program takes all of the rate."""
_RUNS = 5
"""Runs in which a record got no decision before it is refused."""

_UNTAKEN = (Verdict.THROTTLED, Verdict.UNAUTHORISED, Verdict.FORBIDDEN, Verdict.UNCLEAR)
"""Answers to what was not carried out for certain."""
_FAILING = (Verdict.RETRY, Verdict.UNCLEAR, Verdict.BLOCKED, Verdict.FORBIDDEN)
"""Answers that one record may get while others are taken."""


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
        patience: float = PATIENCE,
    ) -> None:
        self._feed = feed
        self._transport = transport
        self._pace = pace
        self._journal = journal
        self._notes = Notes(journal)
        self._clock = clock
        self._progress = progress
        self._patience = patience
        self._backoff = Backoff()
        self.stopped: ApiError | None = None
        self.interrupted = False
        self.sliced = False
        """Whether it ended because its time was over, with more left to send."""
        self._ends_at: float | None = None

        self._lanes = Lanes(feed, pace.in_flight_limit)
        self._breaker = Breaker(clock, pace.in_flight_limit, patience)
        self._health = Health(transport, pace, self._breaker, journal.answered)
        self._given_up: list[tuple[Operation, str]] = []
        self._trouble: ApiError = Unreachable("no answer")
        """What went wrong last."""
        self._has_decided = False
        """Whether the API has decided on any record."""
        self._absent = Absent()
        self._refusals = Refusals(journal)
        self._refused_positions: set[str] = set()
        """Found in this run; what is loaded still has them."""
        self._held = Held()
        self._requests: set[asyncio.Task[None]] = set()
        self._pauses: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()
        self._throttled_since: float | None = None
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
            while not self._ending and (
                self._grant_second_chances(*self._refusals.take())
                or self._grant_second_chances(*self._refusals.take_halves())
                or self._send_reduced()
            ):
                await self._drain()
        finally:
            for pause in self._pauses:
                pause.cancel()
            if self._requests:
                await asyncio.wait(self._requests)
            self._journal.flush()
        if self._defect is not None:
            raise self._defect
        if not self._ending:
            self._conclude_failures()
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

    # choosing what goes next -----------------------------------------------------------------

    async def _drain(self) -> None:
        while not self._ending:
            if self._ends_at is not None and self._clock.monotonic() >= self._ends_at:
                self.sliced = True
                return
            if self._breaker.is_down:
                await self._wait_for_the_api()
                continue
            if self._lanes.is_low:
                self._refill()
            if not self._lanes:
                if not self._requests and not self._pauses:
                    if not self._lanes.waits:
                        return
                    self._lanes.release_waiting()
                    continue
                await self._pause(None)
                continue
            if (seconds := self._pace.wait()) != 0.0:
                if self._lanes.stocked:
                    await self._pause(self._until_end(seconds))
                elif not await self._pause(_QUIET):
                    # Reading ahead takes a moment; answers that come in one burst wait for none.
                    self._refill()
                continue
            if (taken := self._take()) is not None:
                self._pace.take()
                self._notes.ask(taken[1])
                task = asyncio.create_task(self._send(*taken))
                self._requests.add(task)
                task.add_done_callback(self._finished)

    def _refill(self) -> None:
        self._lanes.refill()
        if self._lanes.open_complete and self._progress.open_complete_after is None:
            self._progress.open_complete_after = self._progress.elapsed

    def _until_end(self, seconds: float | None) -> float | None:
        """That long, or until the slice is over."""
        if self._ends_at is None:
            return seconds
        rest = max(0.0, self._ends_at - self._clock.monotonic())
        return rest if seconds is None else min(seconds, rest)

    async def _pause(self, seconds: float | None) -> bool:
        """Until something moves, or so many seconds have passed; whether it moved."""
        self._journal.flush()
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

    def _take(self) -> tuple[Lane, Operation] | None:
        """The next operation that may go, with its lane, which then is no longer ready."""
        while (lane := self._lanes.take()) is not None:
            operation = lane.queue[0]
            if self._absent.lacks(operation):
                self._hold(lane, operation)
                continue
            if self._absent.delays(operation):
                self._hold(lane, operation, given_up=True)
                continue
            if self._refused_positions:
                leave_positions_out(operation, self._refused_positions)
            return lane, operation
        return None

    # sending ---------------------------------------------------------------------------------

    async def _send(self, lane: Lane, operation: Operation) -> None:
        self._journal.flush()
        method, path = request_of(operation)
        self._refusals.sent(operation)
        started = self._clock.monotonic()
        trouble: NoPdf | Unreachable | NotTheApi | None = None
        try:
            answer = await self._answer(method, path, operation)
        except (NoPdf, Unreachable, NotTheApi) as error:
            trouble = error
        finally:
            self._pace.release()
            self._refusals.answered(operation)
        if trouble is not None:
            await self._unanswered(lane, operation, trouble)
            return
        self._progress.answered(self._clock.monotonic() - started)
        verdict = self._judge(operation, answer)
        if verdict in (Verdict.DONE, Verdict.REJECTED) and not self._is_elsewhere(method, answer):
            self._throttled_since = None
            self._breaker.decided()
            self._has_decided = True
            self._progress.note = ""
            if operation.is_release:
                self._released(lane, operation, verdict)
            elif verdict is Verdict.DONE:
                self._acknowledged(lane, operation, answer)
            else:
                self._rejected(lane, operation, answer)
            return
        await self._undecided(lane, operation, answer, verdict)

    async def _unanswered(
        self, lane: Lane, operation: Operation, trouble: NoPdf | Unreachable | NotTheApi
    ) -> None:
        if isinstance(trouble, NoPdf):
            self._notes.untaken(operation)
            self._progress.failed.append(f"{operation.entity} {operation.external_id} at {trouble}")
            self._hold(lane, operation, given_up=True)
            return
        self._journal.answered()
        operation.is_unsure |= not isinstance(trouble, Unreachable) or trouble.left
        self._notes.untaken(operation)
        if isinstance(trouble, NotTheApi):
            self._stop(trouble)
        else:
            await self._failed(lane, operation, trouble, Verdict.RETRY)

    def _judge(self, operation: Operation, answer: Answer) -> Verdict:
        """An acknowledgement is one of this very record, or none."""
        external_id = operation.external_id
        if operation.entity == "contact":
            external_id = external_id_of(external_id, operation.customer)
        deleting = operation.action == "delete"
        if deleting or operation.entity in PDF_OF:
            return judge_empty(answer, external_id, deleting)
        return judge(answer, external_id)

    async def _answer(self, method: str, path: str, operation: Operation) -> Answer:
        if operation.entity not in PDF_OF:
            return await self._transport.send(method, path, operation.body)
        async with self._feed.pdfs.open(*operation.key) as pdf:
            operation.hash = pdf.digest
            return await self._transport.upload(path, pdf.file, "document.pdf")

    def _is_elsewhere(self, method: str, answer: Answer) -> bool:
        """Whether the path itself is unknown: 404 to an import, when none was ever taken."""
        return method == "POST" and answer.status in (404, 405) and not self._journal.count()

    async def _undecided(
        self, lane: Lane, operation: Operation, answer: Answer, verdict: Verdict
    ) -> None:
        """The answer says nothing about the record: try again, wait, or stop it all."""
        self._journal.answered()
        operation.is_unsure |= verdict not in _UNTAKEN
        self._notes.untaken(operation)
        if verdict is Verdict.UNCLEAR and operation.attempts + 1 >= attempts_for(verdict):
            self._breaker.decided()
            self._rejected(lane, operation, answer)
        elif verdict is Verdict.THROTTLED:
            self._throttled(lane, retry_after(answer, self._clock))
        elif verdict in _FAILING:
            await self._failed(lane, operation, error_of(verdict, answer), verdict)
        else:
            self._stop(error_of(verdict, answer))

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
        self._lanes.put_back(lane)

    def _acknowledged(self, lane: Lane, operation: Operation, answer: Answer) -> None:
        self._refusals.make_room(operation)
        if not self._notes.taken(operation, answer):
            self._progress.drifted += 1
        self._progress.done += 1
        if lane.phase <= OPEN_ITEMS:
            self._progress.open_done += 1
        self._absent.arrived(operation)
        self._lanes.advance(lane)

    def _released(self, lane: Lane, operation: Operation, verdict: Verdict) -> None:
        """The journal says what the API has now; the record itself follows."""
        if verdict is Verdict.DONE and operation.body is not None:
            self._refusals.make_room(operation)
            self._notes.released(operation)
            self._absent.arrived(operation)
        else:
            self._notes.untaken(operation)
            self._journal.answered()
        if operation.action == "release":
            self._progress.done += 1
            self._progress.open_done += 1
        self._lanes.advance(lane, settled=operation.action == "release")

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
        self._lanes.put_back(lane)
        return True

    def _rejected(self, lane: Lane, operation: Operation, answer: Answer) -> None:
        self._notes.untaken(operation)
        if self._goes_without_position(lane, operation, answer):
            return
        self._notes.doubt(operation)
        self._refusals.add(operation, answer)
        self._progress.rejected += 1
        self._absent.add(operation)
        self._lanes.advance(lane)

    def _hold(self, lane: Lane, operation: Operation, given_up: bool = False) -> None:
        """It stays planned: something it refers to was refused in this run, or it is given up."""
        self._notes.doubt(operation)
        self._progress.held += 1
        self._absent.add(operation, given_up)
        self._held.add(operation, given_up)
        self._lanes.advance(lane)

    # failing ---------------------------------------------------------------------------------

    async def _failed(
        self, lane: Lane, operation: Operation, trouble: ApiError, verdict: Verdict
    ) -> None:
        """Schedules the retry in the lane; the others go on.

        A record that gets no decision though the API is there is given up for this run.
        """
        self._trouble = trouble
        operation.attempts += 1
        if operation.failing_since is None:
            operation.failing_since = self._clock.monotonic()
        self._breaker.failed(operation.number)
        is_spent = (
            operation.attempts >= attempts_for(verdict)
            or self._clock.monotonic() - operation.failing_since >= self._patience
        )
        # What comes first may be a page of somebody else's, and keys are revoked at any time.
        is_foreign = verdict is Verdict.BLOCKED and not self._has_decided
        is_barred = verdict is Verdict.FORBIDDEN and operation.attempts == 1
        if self._breaker.doubts or is_spent or is_foreign or is_barred:
            await self._look_whether_it_lives()
        if is_barred and (self._breaker.is_wide or not self._has_decided):
            await self._look_whether_it_may_write()
        if is_spent and not self._breaker.is_down and not self._ending:
            self._give_up(lane, operation, trouble)
            return
        self._progress.retries += 1
        wait = self._backoff.wait_after(operation.attempts)
        self._progress.note = f"{trouble}; next try in {wait:.0f} s"
        pause = asyncio.create_task(self._resume(lane, wait))
        self._pauses.add(pause)
        pause.add_done_callback(self._pauses.discard)

    def _give_up(self, lane: Lane, operation: Operation, trouble: ApiError) -> None:
        """It stays planned for the next run; after some of them it is refused."""
        name = f"{operation.entity.replace('_', ' ')} {operation.external_id}"
        said = f"{name} failed {operation.attempts} times: {trouble}"
        self._progress.failed.append(said)
        self._given_up.append((operation, str(trouble)))
        self._hold(lane, operation, given_up=True)

    def _conclude_failures(self) -> None:
        """A record is only at fault where the API decided on others."""
        if not self._has_decided and len(self._given_up) >= self._pace.in_flight_limit:
            self._stop(self._trouble)
            return
        for operation, trouble in self._given_up:
            runs = self._journal.note_failing(operation.key, trouble)
            if runs >= _RUNS:
                said = f"no decision in {runs} runs: {trouble}"
                reject = Reject(*operation.key, operation.fingerprint, 0, said, operation.payload)
                self._journal.reject(reject, operation.action)

    async def _look_whether_it_lives(self) -> None:
        error = await self._health.look()
        if error is not None:
            self._trouble = error
        if isinstance(error, NotTheApi | Unauthorised):
            self._stop(error)

    async def _look_whether_it_may_write(self) -> None:
        if self._ending or self._breaker.is_down:
            return
        if (error := await self._health.may_write()) is not None:
            self._stop(error)

    async def _wait_for_the_api(self) -> None:
        """Asks, less and less often, until it is there or patience is at an end."""
        attempt = 0
        while self._breaker.is_down and not self._ending:
            attempt += 1
            left = self._breaker.patience_left
            if left <= 0:
                self._stop(self._trouble)
                return
            wait = min(left, self._backoff.wait_after(attempt))
            self._progress.note = f"{self._trouble}; next try in {wait:.0f} s"
            ends_at = self._clock.monotonic() + wait
            while (rest := ends_at - self._clock.monotonic()) > 0 and not self._ending:
                await self._pause(self._until_end(rest))
                if self._until_end(1.0) == 0.0:
                    self.sliced = True
            if not self._ending:
                await self._look_whether_it_lives()

    async def _resume(self, lane: Lane, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._pauses.discard(asyncio.current_task())
        self._lanes.try_again(lane)
        self._moved.set()

    def _stop(self, error: ApiError) -> None:
        self.stopped = self.stopped or error
        self._moved.set()

    def _grant_second_chances(self, releases: list[Operation], again: list[Operation]) -> bool:
        """Plans anew what was refused too early, with what was held because of it, if anything."""
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
        """What settles a record that the API refused for good goes without; whether any does."""
        going = self._held.take_reduced(self._absent.missing)
        self._progress.held -= len(going)
        self._add_again(going)
        return bool(going)

    def _add_again(self, operations: Sequence[Operation]) -> None:
        for operation in operations:
            operation.attempts, operation.failing_since = 0, None
        self._lanes.add_operations(operations)
