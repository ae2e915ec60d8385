"""The journal: what the API acknowledged and refused, what it was asked, and every run.

Plans compare the book with it. An operation is recorded as asked before it is sent, and as
acknowledged before the next one of its customer is sent; one commit covers all operations of a
moment. So after a crash at any time, the journal knows which operations were in flight: the API may
or may not have carried them out.
"""

from headrace.sync.journal.alerts import Alert
from headrace.sync.journal.approvals import Approval
from headrace.sync.journal.asked import Asked
from headrace.sync.journal.audit import AuditEntry
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
from headrace.sync.journal.round_log import LoggedRound, Proof, RoundFigures
from headrace.sync.journal.rounds import Kind, NotedRound
from headrace.sync.journal.runs import KILLED

__all__ = [
    "KILLED",
    "SCHEMES",
    "Acknowledged",
    "Acknowledgement",
    "Adopted",
    "Alert",
    "Approval",
    "Asked",
    "AuditEntry",
    "Decision",
    "Drift",
    "Forgotten",
    "Journal",
    "Key",
    "Kind",
    "ListState",
    "LoggedRound",
    "NotedRound",
    "Place",
    "PostgresPlace",
    "Proof",
    "Reject",
    "RoundFigures",
    "Run",
    "Sent",
    "State",
]
