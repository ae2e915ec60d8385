"""Runs: what each sent, how long it took and how it ended; and the answers that still count."""

from __future__ import annotations

import math

import msgspec

from headrace.sync.journal.records import Run, Sent, State
from headrace.sync.journal.section import Section

KILLED = "killed"
"""How a run ended that did not say how."""
_UNKNOWN = math.inf
"""The time of an answer that has not come."""


class RunsSection(Section):
    """One run after the other."""

    def begin_run(self, command: str, planned: int, open_items: int) -> int:
        """Notes that a run starts; returns its number."""
        row = self._db.run(
            "begin_run", (command, self._clock.now().timestamp(), planned, open_items)
        ).fetchone()
        self._db.begin_work()
        self.run_id = int(row[0])
        return self.run_id

    def end_run(self, outcome: str, latency: float | None) -> None:
        """Notes how the run ended: `done`, `interrupted` or why it stopped.

        `latency` is the mean seconds of an answer; the next plan's times are computed with it.
        """
        with self._db.transaction():
            now = self._clock.now().timestamp()
            self._db.run("end_run", (now, outcome, latency, self.run_id))
            self._db.run("drop_progress", (self.run_id,))
        self._db.end_work()

    def runs(self, limit: int = 10) -> list[Run]:
        """The newest runs first."""
        return [self._seen(Run(*row)) for row in self._db.run("runs_newest", (limit,)).fetchall()]

    def run(self, number: int) -> Run | None:
        """One of them."""
        row = self._db.run("run_by_id", (number,)).fetchone()
        return self._seen(Run(*row)) if row else None

    def _seen(self, run: Run) -> Run:
        """Only the newest goes on, while its process is there: others that did not end were
        killed."""
        if run.ended_at is not None:
            return run
        (newest, *_) = self._db.run("runs_newest", (1,)).fetchone()
        if run.id == newest and self._db.is_at_work() is not False:
            return run
        return msgspec.structs.replace(run, outcome=KILLED)

    def sent_counts(self, run: int) -> list[tuple[str, str, int]]:
        """(entity, action, how many) of what the API took in the run."""
        rows: list[tuple[str, str, int]] = self._db.run("sent_counts", (run,)).fetchall()
        return rows

    def sent(self, run: int, refused_only: bool = False) -> list[Sent]:
        """Every decision of the API in the run, in their order; or its refusals alone."""
        statement = "sent_refused" if refused_only else "sent_records"
        return [Sent(*row) for row in self._db.run(statement, (run,))]

    def note_state(self, state: State) -> None:
        """Lets others see how far the run is."""
        self._db.run("note_progress", (self.run_id, msgspec.json.encode(state)))

    def state(self, run: int) -> State | None:
        """What it said last; None before, and once it ended."""
        row = self._db.run("progress", (run,)).fetchone()
        return msgspec.json.decode(row[0], type=State) if row else None

    def note_imported(self) -> None:
        """Notes that everything has been delivered once."""
        self._db.run("note_imported", (self._clock.now().timestamp(),))

    def is_imported(self) -> bool:
        """Whether everything has been delivered once."""
        return self._db.run("imported").fetchone() is not None

    # how fast the API answers, and how much it takes -----------------------------------------

    def note_latency(self, seconds: float) -> None:
        """Notes what one answer took; a run's own mean counts more."""
        with self._db.transaction():
            self._db.run("clear_tried")
            self._db.run("note_tried", (seconds,))

    def latency(self) -> float | None:
        """Mean seconds of an answer in the last run that got one, else in the last try."""
        row = self._db.run("latency").fetchone()
        return float(row[0]) if row else None

    def expect_answers(self, most: int) -> None:
        """Notes that so many requests at most will be on their way, until `expect_none`.

        What a killed process had on its way counts as answered now: the server may have counted it
        at any time until then.
        """
        with self._db.transaction():
            self._db.run("settle_answers", (self._clock.now().timestamp(), _UNKNOWN))
            self._db.run_all("answered", [(_UNKNOWN,)] * most)

    def expect_none(self) -> None:
        """Nothing is on its way any more."""
        self._db.run("drop_answers", (_UNKNOWN,))

    def answered(self) -> None:
        """Notes an answer that changed nothing, for it counts at the server all the same."""
        self._db.later("answered", (self._clock.now().timestamp(),))

    def recent_answers(self, window: float) -> list[float]:
        """Ages in seconds of the answers within the window; older ones are forgotten."""
        now = self._clock.now().timestamp()
        self._db.run("forget_answers", (now - window,))
        ages = [now - at for (at,) in self._db.run("answers", (_UNKNOWN,))]
        for (at,) in self._db.run("newest_sent"):
            if at < now - window:
                break
            ages.append(now - at)
        return ages
