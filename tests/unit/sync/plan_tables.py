"""Journal, payloads and rows for tests of what reads the tables of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import msgspec

from headrace.model.record import Record, decode
from headrace.sync.journal import Acknowledged, Asked, Key


def insert(db: duckdb.DuckDBPyConnection, table: str, *rows: Sequence[object]) -> None:
    for row in rows:
        db.execute(f"insert into {table} values ({', '.join('?' * len(row))})", list(row))


def rows(db: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return db.execute(sql).fetchall()


class Journal:
    """What was acknowledged and asked."""

    def __init__(self, asked: dict[Key, Asked], **records: Any) -> None:
        self._asked = asked
        self._records: dict[Key, Acknowledged] = {
            ("payment" if name.startswith("P") else "invoice", name): Acknowledged(
                b"", None if body is None else msgspec.json.encode(body), "C"
            )
            for name, body in records.items()
        }
        self._records["customer", "C"] = Acknowledged(b"", b'{"name": "Ann"}', "C")

    def asked(self) -> dict[Key, Asked]:
        return self._asked

    def acknowledged(self, keys: Sequence[Key]) -> dict[Key, Acknowledged]:
        return {key: self._records[key] for key in keys if key in self._records}


class Payloads:
    """Records of the book."""

    def __init__(self, **records: Record) -> None:
        self._records = records
        self.fetched: list[tuple[str, tuple[str, ...]]] = []

    def fetch(self, entity: str, external_ids: list[str]) -> dict[str, Record]:
        self.fetched.append((entity, tuple(sorted(external_ids))))
        return {name: self._records[name] for name in external_ids if name in self._records}


def bill(external_id: str, amount: int, **more: Any) -> dict[str, Any]:
    return {"externalId": external_id, "grossAmount": amount, "currency": "EUR", **more}


def payment(name: str, **links: int) -> dict[str, Any]:
    linked = [{"amountLinked": n, "invoice": {"externalId": to}} for to, n in links.items()]
    return {"externalId": name, "amount": 100, "currency": "EUR", "linkedInvoices": linked}


def record(kind: type[Record], body: dict[str, Any]) -> Record:
    return decode(kind, msgspec.json.encode(body))
