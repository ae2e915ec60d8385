"""The kinds of trouble that are announced, each with what it means and what to do."""

from __future__ import annotations

from msgspec import Struct


class Kind(Struct, frozen=True):
    """A kind of trouble; the texts are sentences, `{}` stands for the organisation."""

    name: str
    title: str
    """What is wrong, without a subject: `the source can't be read`."""
    counts: str
    """What its number counts, in singular; empty if it has none."""
    means: str
    """What it means for finance."""
    remedy: str


_NOTHING_NEW = (
    "Nothing new reaches Upflow. Invoices that were paid since then still stand as open there, and "
    "their customers may get reminders."
)

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "source_unreachable",
            "the source can't be read",
            "failed round",
            _NOTHING_NEW,
            "Check that the billing system is up and that its password is valid: "
            "`headrace check -o {}`.",
        ),
        Kind(
            "api_unreachable",
            "the API can't be reached",
            "failed round",
            _NOTHING_NEW,
            "Nothing is lost: all is sent when the API is back. If it lasts, check "
            "https://status.upflow.io and the network: `headrace check -o {}`.",
        ),
        Kind(
            "key_refused",
            "the API refuses the key",
            "failed round",
            _NOTHING_NEW,
            "Create a new key pair in Upflow's settings and store it where target.key and "
            "target.secret point to; the next round uses it.",
        ),
        Kind(
            "unsafe_plan",
            "a plan is refused as unsafe",
            "exceeded limit",
            _NOTHING_NEW,
            "Look at `headrace plan -o {}`. If the changes are right, send them with "
            "`headrace apply --force -o {}`; otherwise correct the source.",
        ),
        Kind(
            "source_shrank",
            "the source has far fewer records than before",
            "exceeded limit",
            "Nothing is deleted in Upflow, and nothing new reaches it until this is decided.",
            "Check whether the export is complete. If the records are really gone, send the "
            "deletions with `headrace apply --force -o {}`.",
        ),
        Kind(
            "another_target",
            "the API holds another organisation's data than the journal says",
            "failed round",
            "Nothing is sent, so that no receivables end up in the wrong organisation.",
            "Check target.url and the key. `headrace status -o {}` shows what was found.",
        ),
        Kind(
            "journal",
            "the journal can't be used",
            "failed round",
            _NOTHING_NEW,
            "Check that its file or database can be opened. A damaged file is restored from a "
            "backup, or replaced by `headrace adopt -o {}`.",
        ),
        Kind(
            "failing",
            "rounds fail",
            "failed round",
            _NOTHING_NEW,
            "`headrace status -o {}` shows the error, and `headrace check -o {}` tries each step.",
        ),
        Kind(
            "approval",
            "a plan waits for approval",
            "plan",
            "Nothing of it is sent until another person approves it.",
            "Look at `headrace plan -o {}`, and approve it with `headrace approve` and its id.",
        ),
        Kind(
            "rejected",
            "the API rejects records",
            "rejected record",
            "These records are missing or outdated in Upflow, so balances there may be wrong.",
            "`headrace rejects list -o {}` shows them with the API's reasons.",
        ),
        Kind(
            "withheld",
            "records with errors are withheld",
            "withheld record",
            "These records are missing or outdated in Upflow, so balances there may be wrong.",
            "`headrace plan -o {}` shows them with their errors, which the source has to correct.",
        ),
        Kind(
            "differs",
            "balances differ from the API's",
            "difference",
            "Upflow shows other amounts than the source, so reminders may be wrong.",
            "`headrace reconcile -o {}` shows each difference with the documents behind it.",
        ),
        Kind(
            "lag",
            "changes wait too long",
            "waiting change",
            "Upflow is behind the source. Payments that are missing there may still get reminders.",
            "`headrace status -o {}` shows what is left and how fast it is sent.",
        ),
        Kind(
            "silent",
            "nothing was synced for too long",
            "",
            _NOTHING_NEW,
            "Check that `headrace run` is running, and what it reports.",
        ),
        Kind(
            "stuck",
            "a round makes no progress",
            "",
            _NOTHING_NEW,
            "The source or the network may hang. Restart `headrace run`; nothing is lost.",
        ),
        Kind(
            "dead",
            "the process that syncs has died",
            "killed run",
            _NOTHING_NEW,
            "Start `headrace run` again, and look in the system's log for the reason, such as a "
            "lack of memory.",
        ),
    )
}
"""By name, the most specific first."""

OF_ERRORS = {
    "SourceError": "source_unreachable",
    "Unreachable": "api_unreachable",
    "NotTheApi": "api_unreachable",
    "ApiError": "api_unreachable",
    "Unauthorised": "key_refused",
    "UnsafePlan": "unsafe_plan",
    "AnotherTarget": "another_target",
    "DamagedJournal": "journal",
    "ApprovalNeeded": "approval",
}
"""Kinds of the errors that end a round, by their classes; the others are `failing`."""
ERROR_KINDS = frozenset({*OF_ERRORS.values(), "failing", "source_shrank"})
PATIENT = frozenset({"source_unreachable", "api_unreachable"})
"""Kinds that often pass by themselves, so they are announced only when they last."""
