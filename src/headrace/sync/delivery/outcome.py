"""The outcome of a delivery as a value."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from headrace.sync.delivery.progress import Progress


class DeliveryOutcome(Struct, frozen=True, kw_only=True):
    """How a delivery ended. `seconds` is its wall time, `left` what stays planned."""

    sent: int
    rejected: int
    held: int
    drifted: int = 0
    """Sent, but the response differs: `headrace drift` lists the fields."""
    left: int
    retries: int
    throttled: int
    failed: list[str] = []
    """What was given up after many tries, a sentence each; it stays planned."""
    seconds: float
    open_complete_after: float | None
    interrupted: bool
    sliced: bool = False
    """Whether it ended to plan again, with more to send."""

    def after(self, earlier: DeliveryOutcome) -> DeliveryOutcome:
        """Combine the outcomes of two slices of a run; what is left is that of the later one."""
        return msgspec.structs.replace(
            self,
            sent=earlier.sent + self.sent,
            drifted=earlier.drifted + self.drifted,
            retries=earlier.retries + self.retries,
            throttled=earlier.throttled + self.throttled,
            seconds=earlier.seconds + self.seconds,
            open_complete_after=earlier.open_complete_after
            if earlier.open_complete_after is not None
            else self.open_complete_after and earlier.seconds + self.open_complete_after,
            rejected=earlier.rejected + self.rejected,
        )


def outcome_of(progress: Progress, interrupted: bool, sliced: bool = False) -> DeliveryOutcome:
    """Make the outcome of a delivery from its progress."""
    return DeliveryOutcome(
        sent=progress.done,
        rejected=progress.rejected,
        held=progress.held,
        drifted=progress.drifted,
        left=progress.left,
        retries=progress.retries,
        throttled=progress.throttled,
        failed=progress.failed,
        seconds=progress.elapsed,
        open_complete_after=progress.open_complete_after,
        interrupted=interrupted,
        sliced=sliced,
    )
