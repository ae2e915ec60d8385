"""The journal: what was sent, what the API acknowledged and refused, and every run.

Plans are made against it. An operation is noted as asked before it leaves, and as
acknowledged before the next one of its customer starts; one commit covers all of a moment. So after
a crash at any instant the journal knows what it does not know: what was in flight, which the API
may have carried out or not.
"""

from headrace.sync.journal.asked import Asked
from headrace.sync.journal.collected import Decision, ListState
from headrace.sync.journal.forgetting import Forgotten
from headrace.sync.journal.journal import Journal, Place
from headrace.sync.journal.postgres import SCHEMES, PostgresPlace
from headrace.sync.journal.records import (
    Acknowledged,
    Acknowledgement,
    Adopted,
    Drift,
    Key,
    Reject,
    Run,
    Sent,
    State,
)
from headrace.sync.journal.rounds import Kind, NotedRound
from headrace.sync.journal.runs import KILLED

__all__ = [
    "KILLED",
    "SCHEMES",
    "Acknowledged",
    "Acknowledgement",
    "Adopted",
    "Asked",
    "Decision",
    "Drift",
    "Forgotten",
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
]
