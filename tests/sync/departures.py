"""What leaves a generated billing system: whole clients with all that is theirs, and receipts."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from random import Random

_OWN = {"money_in": "receipt_id", "money_out": "payout_id", "bills": "bill_id"}
_KINDS = {"money_in": "RECEIPT", "money_out": "PAYOUT"}


def depart(database: Path, random: Random, clients: int, receipts: int) -> None:
    """Removes so many clients that have no relatives, and so many receipts of the others."""
    connection = sqlite3.connect(database)
    with connection:
        alone = [
            number
            for (number,) in connection.execute(
                "select client_no from clients where parent_no is null and client_no not in "
                "(select parent_no from clients where parent_no is not null) order by client_no"
            )
        ]
        for client in random.sample(alone, clients):
            for table, column in _OWN.items():
                found = f"select {column} from {table} where client_no = ?"
                for (number,) in connection.execute(found, (client,)).fetchall():
                    _remove(connection, table, number)
            for table in ("journal", "people", "clients"):
                connection.execute(f"delete from {table} where client_no = ?", (client,))
        left = [n for (n,) in connection.execute("select receipt_id from money_in order by 1")]
        for number in random.sample(left, receipts):
            _remove(connection, "money_in", number)
    connection.close()


def _remove(connection: sqlite3.Connection, table: str, number: int) -> None:
    """One document with all its links, from it and to it."""
    kinds = (_KINDS[table],) if table in _KINDS else ("BILL", "CREDIT")
    connection.execute(f"delete from {table} where {_OWN[table]} = ?", (number,))
    for kind in kinds:
        connection.execute(
            "delete from applied where (source_kind = ? and source_id = ?) "
            "or (target_kind = ? and target_id = ?)",
            (kind, number, kind, number),
        )
