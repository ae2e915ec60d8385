"""The journal: what the API was told and acknowledged, what it refused, and every run.

It is the truth that plans are made against. A record is written when the API acknowledged it and
before the next operation of its customer starts, so after a crash at any instant the journal is
never ahead of the API and behind it by at most what was in flight.
"""

from headrace.sync.journal.collecting import Decision, ListState
from headrace.sync.journal.journal import Journal, Place
from headrace.sync.journal.postgres import SCHEMES, PostgresPlace
from headrace.sync.journal.records import (
    Acknowledged,
    Adopted,
    Drift,
    Key,
    Reject,
    Run,
    Sent,
    State,
    Told,
)
from headrace.sync.journal.rounds import Kind, NotedRound

__all__ = [
    "SCHEMES",
    "Acknowledged",
    "Adopted",
    "Decision",
    "Drift",
    "Journal",
    "Key",
    "Kind",
    "ListState",
    "NotedRound",
    "Place",
    "PostgresPlace",
    "Reject",
    "Run",
    "Sent",
    "State",
    "Told",
]
