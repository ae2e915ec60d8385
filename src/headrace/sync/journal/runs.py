"""The journal's section of runs, and of answers that still count for the rate limit."""

from __future__ import annotations

import math

import msgspec

from headrace.sync.journal.records import Run, Sent, State
from headrace.sync.journal.section import Section

KILLED = "killed"
"""Outcome of a run whose process ended without recording one."""
_UNKNOWN = math.inf
"""Time of an answer that is still expected."""


class RunsSection(Section):
    """Runs, with the API's decisions in each, latency and recent answers."""

    def begin_run(self, command: str, planned: int, open_items: int) -> int:
        """Record the start of a run; returns its number."""
        row = self._db.run(
            "begin_run", (command, self._clock.now().timestamp(), planned, open_items)
        ).fetchone()
        self._db.begin_work()
        self.run_id = int(row[0])
        return self.run_id

    def end_run(self, outcome: str, latency: float | None) -> None:
        """Record how the run ended: `done`, `interrupted` or why it stopped.

        `latency` is the mean number of seconds until an answer, for the next plan's estimates.
        """
        with self._db.transaction():
            now = self._clock.now().timestamp()
            self._db.run("end_run", (now, outcome, latency, self.run_id))
            self._db.run("drop_progress", (self.run_id,))
        self._db.end_work()

    def runs(self, limit: int = 10) -> list[Run]:
        """Return the last runs, the newest first."""
        return [self._seen(Run(*row)) for row in self._db.run("runs_newest", (limit,)).fetchall()]

    def run(self, number: int) -> Run | None:
        """Return one run; None if there is no such number."""
        row = self._db.run("run_by_id", (number,)).fetchone()
        return self._seen(Run(*row)) if row else None

    def _seen(self, run: Run) -> Run:
        """Return the run, as `killed` if it has no end and can't be active.

        Only the newest run can be active, and only while its process is alive.
        """
        if run.ended_at is not None:
            return run
        (newest, *_) = self._db.run("runs_newest", (1,)).fetchone()
        if run.id == newest and self._db.is_at_work() is not False:
            return run
        return msgspec.structs.replace(run, outcome=KILLED)

    def sent_counts(self, run: int) -> list[tuple[str, str, int]]:
        """Return (entity, action, count) of what the API acknowledged in the run."""
        rows: list[tuple[str, str, int]] = self._db.run("sent_counts", (run,)).fetchall()
        return rows

    def sent(self, run: int, refused_only: bool = False) -> list[Sent]:
        """Return the API's decisions in the run, in order; or only its refusals."""
        statement = "sent_refused" if refused_only else "sent_records"
        return [Sent(*row) for row in self._db.run(statement, (run,))]

    def note_state(self, state: State) -> None:
        """Record the state of the current run, with the next flush, for other processes to read."""
        self._db.later("note_progress", (self.run_id, msgspec.json.encode(state)))

    def state(self, run: int) -> State | None:
        """Return the state that the run recorded last; None before the first and after its end."""
        row = self._db.run("progress", (run,)).fetchone()
        return msgspec.json.decode(row[0], type=State) if row else None

    def note_imported(self) -> None:
        """Record that the first import is complete."""
        self._db.run("note_imported", (self._clock.now().timestamp(),))

    def is_imported(self) -> bool:
        """Whether the first import is complete."""
        return self._db.run("imported").fetchone() is not None

    # latency, and answers for the rate limit -------------------------------------------------

    def note_latency(self, seconds: float) -> None:
        """Record the seconds of one answer, used until a run has recorded a mean."""
        with self._db.transaction():
            self._db.run("clear_tried")
            self._db.run("note_tried", (seconds,))

    def latency(self) -> float | None:
        """Return the mean seconds of an answer in the last run with answers, or the last probe."""
        row = self._db.run("latency").fetchone()
        return float(row[0]) if row else None

    def expect_answers(self, most: int) -> None:
        """Record that up to `most` requests may be in flight until `expect_none`.

        Requests that a killed process had in flight count as answered now, because the server may
        have counted them at any time until now.
        """
        with self._db.transaction():
            self._db.run("settle_answers", (self._clock.now().timestamp(), _UNKNOWN))
            self._db.run_all("answered", [(_UNKNOWN,)] * most)

    def expect_none(self) -> None:
        """Record that no request is in flight any more."""
        self._db.run("drop_answers", (_UNKNOWN,))

    def answered(self) -> None:
        """Record an answer that changed nothing; it counts for the rate limit like any other."""
        self._db.later("answered", (self._clock.now().timestamp(),))

    def recent_answers(self, window: float) -> list[float]:
        """Return the ages in seconds of the answers within the window; deletes older ones."""
        now = self._clock.now().timestamp()
        self._db.run("forget_answers", (now - window,))
        ages = [now - at for (at,) in self._db.run("answers", (_UNKNOWN,))]
        for (at,) in self._db.run("newest_sent"):
            if at < now - window:
                break
            ages.append(now - at)
        return ages
