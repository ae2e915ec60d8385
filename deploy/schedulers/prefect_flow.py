"""Prefect: each organisation is a task of its own, every ten minutes."""

from __future__ import annotations

from headrace_command import TryAgain, sync
from prefect import flow, task

PROJECT = "/srv/headrace"
ORGANISATIONS = ["acme", "globex"]


def is_worth_a_try(task, run, state) -> bool:
    """Whether the error passes by itself; what a person must mend is not tried again."""
    try:
        state.result()
    except TryAgain:
        return True
    except Exception:
        return False
    return False


@task(retries=3, retry_delay_seconds=60, retry_condition_fn=is_worth_a_try)
def apply(organisation: str) -> dict:
    """Sync one organisation."""
    return sync(organisation, PROJECT)


@flow(name="headrace")
def headrace() -> list:
    """Bring receivables into Upflow."""
    futures = [apply.submit(name) for name in ORGANISATIONS]
    return [future.result() for future in futures]


if __name__ == "__main__":
    headrace.serve(name="every ten minutes", interval=600)
