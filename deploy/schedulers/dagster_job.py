"""Dagster: each organisation is a partition, every ten minutes."""

from __future__ import annotations

from dagster import (
    Backoff,
    Definitions,
    Failure,
    RetryPolicy,
    RetryRequested,
    RunRequest,
    StaticPartitionsDefinition,
    asset,
    define_asset_job,
    schedule,
)
from headrace_command import NeedsPerson, TryAgain, sync

PROJECT = "/srv/headrace"
ORGANISATIONS = ["acme", "globex"]
partitions = StaticPartitionsDefinition(ORGANISATIONS)


@asset(
    partitions_def=partitions,
    retry_policy=RetryPolicy(max_retries=3, delay=60, backoff=Backoff.EXPONENTIAL),
)
def receivables(context):
    """The receivables of one organisation in Upflow."""
    try:
        done = sync(context.partition_key, PROJECT)
    except NeedsPerson as error:
        raise Failure(description=str(error), allow_retries=False) from None
    except TryAgain as error:
        raise RetryRequested(max_retries=3, seconds_to_wait=60) from error
    context.add_output_metadata({name: done[name] for name in ("sent", "rejected", "left")})
    return done


job = define_asset_job("headrace", selection=[receivables], partitions_def=partitions)


@schedule(job=job, cron_schedule="*/10 * * * *")
def every_ten_minutes(context):
    """Request a run of each organisation."""
    at = context.scheduled_execution_time.isoformat()
    for name in ORGANISATIONS:
        yield RunRequest(run_key=f"{name} {at}", partition_key=name)


definitions = Definitions(assets=[receivables], jobs=[job], schedules=[every_ten_minutes])
