"""Airflow: each organisation is a task of its own, every ten minutes."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.decorators import dag, task
from airflow.exceptions import AirflowFailException
from headrace_command import NeedsPerson, sync

PROJECT = "/srv/headrace"
ORGANISATIONS = ["acme", "globex"]


@dag(
    schedule=timedelta(minutes=10),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["receivables"],
)
def headrace():
    """Bring receivables into Upflow."""

    @task(retries=3, retry_delay=timedelta(minutes=1))
    def apply(organisation: str) -> dict:
        """Sync one organisation; what a person must mend is not tried again."""
        try:
            return sync(organisation, PROJECT)
        except NeedsPerson as error:
            raise AirflowFailException(str(error)) from None

    apply.expand(organisation=ORGANISATIONS)


headrace()
