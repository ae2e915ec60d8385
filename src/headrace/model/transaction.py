"""The fields of a movement of money: a payment or a refund."""

from __future__ import annotations

from typing import Annotated

from headrace.model.fields import Sent
from headrace.model.record import UNSET, Amount, Currency, Instant, Record, Text, UnsetType


class TransactionFields(Record):
    """Fields that requests and answers share."""

    external_id: Annotated[Text | None | UnsetType, Sent(kind="id", required=True)] = UNSET
    id: str | UnsetType = UNSET
    currency: Annotated[Currency | UnsetType, Sent(required=True, binds=True)] = UNSET
    amount: Annotated[Amount | UnsetType, Sent(kind="amount", required=True, binds=True)] = UNSET
    validated_at: Annotated[Instant | UnsetType, Sent(kind="instant", required=True)] = UNSET
    instrument: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET
    """WIRE_TRANSFER, DIRECT_DEBIT, CARD, CASH, CHECK, UNKNOWN; other texts are accepted."""
    ref_number: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET
    """Starts with `fix:` on a synthetic payment."""
    bank_account_id: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET
