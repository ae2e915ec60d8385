"""Records in the journal what becomes of each operation."""

from __future__ import annotations

from headrace.book.payloads.payloads import payload_hash
from headrace.client.answer import Answer
from headrace.sync.journal import Acknowledgement, Asked, Drift, Journal
from headrace.sync.operations.operation import Operation
from headrace.sync.operations.response_check import differing_fields
from headrace.sync.ordering.links import SETTLEMENTS


class Recorder:
    """Writes of one delivery; they become durable with the journal's next flush."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def ask(self, operation: Operation) -> None:
        """Record that the operation is about to be sent."""
        if operation.is_unsure and operation.attempts:
            return  # recorded by the first attempt
        known = operation.action == "create" and not operation.is_unsure
        self._journal.ask(
            Asked(
                *operation.key,
                operation.action,
                operation.customer,
                claiming=bool(operation.claims),
                payload=operation.payload if known else None,
            )
        )

    def not_carried_out(self, operation: Operation) -> None:
        """Record that this request was not carried out; an earlier attempt may have been."""
        if not operation.is_unsure:
            self._journal.decided(operation.key)

    def acknowledged(self, operation: Operation, answer: Answer) -> bool:
        """Record the acknowledgement. Returns whether the response shows what was sent."""
        id = answer.id if operation.entity == "customer" and self._journal.lacks_landmarks else ""
        # A parent that was left out may still be at the API, so what the API has is not known: once
        # the row is right, its payload may be the same, and has to be sent all the same.
        unknown = operation.keeps_parent
        self._journal.acknowledge(
            [
                Acknowledgement(
                    *operation.key,
                    operation.customer,
                    # Without a fingerprint, the next plan compares the record again, so that
                    # late links are not lost if the run ends here.
                    None if operation.is_part else operation.fingerprint,
                    b"" if unknown else operation.hash,
                    None if unknown else operation.payload,
                    operation.action,
                    id,
                )
            ]
        )
        if operation.claims:
            self._journal.keep_collected(operation.entity, [], [operation.claims])
        if operation.body and (fields := differing_fields(operation.body, answer.body)):
            self._journal.mark_drifted([Drift(*operation.key, fields)])
            return False
        return True

    def released(self, operation: Operation) -> None:
        """Record a release as what the API has now; the record itself follows."""
        assert operation.body is not None
        entity, external_id = operation.key
        hash = payload_hash(operation.body)
        self._journal.acknowledge(
            [
                Acknowledgement(
                    entity, external_id, operation.customer, None, hash, operation.body, "update"
                )
            ]
        )

    def send_again(self, operation: Operation) -> None:
        """Let the next plan send a settlement again that was not sent in this run.

        An invoice that it settles may be deleted in this run, and the API then drops the link. So
        the journal no longer knows the links of the settlement.
        """
        if operation.entity in SETTLEMENTS and operation.action != "create":
            self._journal.send_again([operation.key])
