"""Sends a plan's operations at the API's pace, in the customers' lanes.

Guarantees: at most one request of a customer is in flight; each acknowledgement is in the journal
before its lane goes on; a lane that waits for a retry or for another lane holds no slot; the
settled past starts when every open item is complete.
"""

from __future__ import annotations

import asyncio

from headrace.client.answer import Answer
from headrace.client.breaker import Breaker
from headrace.client.health import Health
from headrace.client.pace import Pace
from headrace.client.retry import PATIENCE, THROTTLED_MAX, Backoff, attempts_for
from headrace.client.transport import Transport
from headrace.client.verdict import Verdict, error_of, retry_after
from headrace.model.clock import Clock
from headrace.model.errors import ApiError, NotTheApi, Unauthorised, Unreachable
from headrace.sync.delivery.lanes import Lanes
from headrace.sync.delivery.loader import Loader
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.results import Results
from headrace.sync.delivery.sender import Sender, is_unknown_path, verdict_of
from headrace.sync.delivery.waiting import Waiting
from headrace.sync.journal import Journal
from headrace.sync.operations.operation import Lane, Operation
from headrace.sync.operations.pdf_digests import NoPdf

_QUIET = 0.003
"""Seconds without an answer after which a burst of them is over."""

_AHEAD = 600
"""Operations to load while the rate is used up: what may go at once when the window ends, at
Upflow's limit. Loading them then would keep other organisations waiting that send as well."""

_UNTAKEN = (Verdict.THROTTLED, Verdict.UNAUTHORISED, Verdict.FORBIDDEN, Verdict.UNCLEAR)
"""Answers after which the request was certainly not carried out."""
_FAILING = (Verdict.RETRY, Verdict.UNCLEAR, Verdict.BLOCKED, Verdict.FORBIDDEN)
"""Answers that one record may get while others are accepted."""


class Delivery:
    """Delivers one plan once. `stopped` is the error that ended it early, if any."""

    def __init__(
        self,
        loader: Loader,
        transport: Transport,
        pace: Pace,
        journal: Journal,
        clock: Clock,
        progress: Progress,
        patience: float = PATIENCE,
    ) -> None:
        self._sender = Sender(transport, loader.pdfs)
        self._pace = pace
        self._journal = journal
        self._clock = clock
        self._progress = progress
        self._patience = patience
        self._backoff = Backoff()
        self._waiting = Waiting(clock, journal, progress)
        self.stopped: ApiError | None = None
        self.interrupted = False
        self.sliced = False
        """Whether its time was over with more left to send."""

        self._lanes = Lanes(loader, pace.in_flight_limit)
        self._results = Results(journal, self._lanes, progress)
        self._breaker = Breaker(clock, pace.in_flight_limit, patience)
        self._health = Health(transport, pace, self._breaker, journal.answered)
        self._trouble: ApiError = Unreachable("no answer")
        """The last failure."""
        self._has_decided = False
        """Whether the API has decided on any record."""
        self._requests: set[asyncio.Task[None]] = set()
        self._pauses: set[asyncio.Task[None]] = set()
        self._throttled_since: float | None = None
        self._defect: BaseException | None = None

    def interrupt(self) -> None:
        """End the run when the requests in flight are answered; the rest stays planned."""
        self.interrupted = True
        self._waiting.wake()

    def end_after(self, seconds: float) -> None:
        """End the run like `interrupt` after so many seconds."""
        self._waiting.end_after(seconds)

    async def run(self) -> None:
        """Deliver everything that can be delivered now."""
        try:
            await self._drain()
            while not self._ending and self._results.send_again():
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
        self._results.conclude(ended_early=self._ending)

    @property
    def _ending(self) -> bool:
        return (
            self.interrupted or self.sliced or self.stopped is not None or self._defect is not None
        )

    # choosing what goes next -----------------------------------------------------------------

    async def _drain(self) -> None:
        # One coroutine chooses what goes next, and each request is a task of its own. So no two
        # places compete for lanes or slots, and nothing needs a lock. The loop asks in this order:
        # 1. Is the API down? Then only a probe goes, until it answers.
        # 2. Is a lane ready? If not, wait for an answer or a pause to end. If there is neither,
        #    but lanes wait for others, what they wait for was given up: requeue them, so that
        #    `Results.take` sets them aside. An example: P of customer B failed for good, and A's
        #    lane still waits for it.
        # 3. Is there a slot at this moment? If not, load more of the plan, since reading takes as
        #    long as some answers. But answers come in bursts, when several are read from the
        #    network at once, and each of them frees a slot: so wait _QUIET first for more.
        # The journal is flushed before each pause and each request, see `journal/write_behind.py`.
        while not self._ending and await self._step():
            pass

    async def _step(self) -> bool:
        """Send the next request, or wait for what it needs. Returns whether more may follow."""
        if self._waiting.is_over:
            self.sliced = True
            return False
        if self._breaker.is_down:
            await self._wait_for_the_api()
            return True
        if self._lanes.is_low:
            self._refill()
        if not self._lanes:
            return await self._wait_for_a_lane()
        if (seconds := self._pace.wait()) != 0.0:
            await self._wait_for_a_slot(seconds)
        elif (taken := self._results.take()) is not None:
            self._pace.take()
            self._results.recorder.ask(taken[1])
            task = asyncio.create_task(self._send(*taken))
            self._requests.add(task)
            task.add_done_callback(self._finished)
        return True

    async def _wait_for_a_lane(self) -> bool:
        if self._requests or self._pauses:
            await self._waiting.pause()
        elif self._lanes.waits:
            self._lanes.requeue_waiting()
        else:
            return False
        return True

    async def _wait_for_a_slot(self, seconds: float | None) -> None:
        if self._lanes.is_stocked_for(0 if seconds is None else _AHEAD):
            await self._waiting.pause(seconds)
        elif not await self._waiting.pause(_QUIET):
            self._refill(ahead=self._lanes.stocked)

    def _refill(self, *, ahead: bool = False) -> None:
        if ahead:
            self._lanes.load_ahead()
        else:
            self._lanes.refill()
        if self._lanes.open_complete and self._progress.open_complete_after is None:
            self._progress.open_complete_after = self._progress.elapsed

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        self._waiting.wake()
        if not task.cancelled():
            self._defect = self._defect or task.exception()

    # sending ---------------------------------------------------------------------------------

    async def _send(self, lane: Lane, operation: Operation) -> None:
        await self._journal.flushed()
        self._results.refusals.sent(operation)
        started = self._clock.monotonic()
        trouble: NoPdf | Unreachable | NotTheApi | None = None
        try:
            answer = await self._sender.send(operation)
        except (NoPdf, Unreachable, NotTheApi) as error:
            trouble = error
        finally:
            self._pace.release()
            self._results.refusals.answered(operation)
        if trouble is not None:
            await self._unanswered(lane, operation, trouble)
            return
        self._progress.answered(self._clock.monotonic() - started)
        verdict = verdict_of(operation, answer)
        # A path that is unknown before any record was accepted: the address is not the API's.
        is_elsewhere = is_unknown_path(operation, answer) and not self._journal.count()
        if verdict in (Verdict.DONE, Verdict.REJECTED) and not is_elsewhere:
            self._throttled_since = None
            self._breaker.decided()
            self._has_decided = True
            self._progress.note = ""
            if operation.is_release:
                self._results.released(lane, operation, verdict)
            elif verdict is Verdict.DONE:
                self._results.acknowledged(lane, operation, answer)
            else:
                self._results.rejected(lane, operation, answer)
            return
        await self._undecided(lane, operation, answer, verdict)

    async def _unanswered(
        self, lane: Lane, operation: Operation, trouble: NoPdf | Unreachable | NotTheApi
    ) -> None:
        if isinstance(trouble, NoPdf):
            self._results.recorder.not_carried_out(operation)
            self._progress.failed.append(f"{operation.entity} {operation.external_id} at {trouble}")
            self._results.set_aside(lane, operation, given_up=True)
            return
        self._journal.answered()
        operation.is_unsure |= not isinstance(trouble, Unreachable) or trouble.left
        self._results.recorder.not_carried_out(operation)
        if isinstance(trouble, NotTheApi):
            self._stop(trouble)
        else:
            await self._failed(lane, operation, trouble, Verdict.RETRY)

    async def _undecided(
        self, lane: Lane, operation: Operation, answer: Answer, verdict: Verdict
    ) -> None:
        """Handle an answer that is no decision on the record: retry, wait or stop the run."""
        self._journal.answered()
        operation.is_unsure |= verdict not in _UNTAKEN
        self._results.recorder.not_carried_out(operation)
        if verdict is Verdict.UNCLEAR and operation.attempts + 1 >= attempts_for(verdict):
            self._breaker.decided()
            self._results.rejected(lane, operation, answer)
        elif verdict is Verdict.THROTTLED:
            self._throttled(lane, retry_after(answer, self._clock))
        elif verdict in _FAILING:
            await self._failed(lane, operation, error_of(verdict, answer), verdict)
        else:
            self._stop(error_of(verdict, answer))

    def _throttled(self, lane: Lane, seconds: float) -> None:
        """Pause as the API asked: another program uses the key as well, which is no error."""
        now = self._clock.monotonic()
        self._progress.throttled += 1
        self._throttled_since = now if self._throttled_since is None else self._throttled_since
        if now + seconds - self._throttled_since > THROTTLED_MAX:
            self._stop(Unreachable(f"status 429: it asks to wait {seconds:.0f} s more"))
            return
        self._pace.close_for(seconds)
        self._progress.note = f"the API asked to wait {seconds:.0f} s (429)"
        self._lanes.put_back(lane)

    # failing ---------------------------------------------------------------------------------

    async def _failed(
        self, lane: Lane, operation: Operation, trouble: ApiError, verdict: Verdict
    ) -> None:
        """Schedule a retry of the lane; other lanes go on.

        A record that gets no decision although the API is up is given up for this run.
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
        # A first answer that is blocked may be from a proxy, and a key may be revoked at any time.
        # So one probe decides whether the record or the API is at fault.
        is_foreign = verdict is Verdict.BLOCKED and not self._has_decided
        is_barred = verdict is Verdict.FORBIDDEN and operation.attempts == 1
        if self._breaker.needs_probe or is_spent or is_foreign or is_barred:
            await self._look_whether_it_lives()
        if is_barred and (self._breaker.is_wide or not self._has_decided):
            await self._look_whether_it_may_write()
        if is_spent and not self._breaker.is_down and not self._ending:
            self._results.give_up(lane, operation, str(trouble))
            return
        self._progress.retries += 1
        wait = self._backoff.wait_after(operation.attempts)
        self._progress.note = f"{trouble}; next try in {wait:.0f} s"
        pause = asyncio.create_task(self._resume(lane, wait))
        self._pauses.add(pause)

    def _conclude_failures(self) -> None:
        """Blame records only if the API decided on others; else stop with the last failure."""
        if not self._has_decided and self._results.given_up >= self._pace.in_flight_limit:
            self._stop(self._trouble)
        else:
            self._results.conclude_failures()

    async def _look_whether_it_lives(self) -> None:
        error = await self._health.probe()
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
        """Probe the API with growing pauses until it answers or patience ends."""
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
                await self._waiting.pause(rest)
                self.sliced |= self._waiting.is_over
            if not self._ending:
                await self._look_whether_it_lives()

    async def _resume(self, lane: Lane, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._pauses.discard(asyncio.current_task())
        self._lanes.try_again(lane)
        self._waiting.wake()

    def _stop(self, error: ApiError) -> None:
        self.stopped = self.stopped or error
        self._waiting.wake()
