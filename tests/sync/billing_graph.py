"""What a generated billing database says, read by hand: documents, links, what is open.

Shares nothing with the models and queries under test.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from desk import Key, query
from msgspec import Struct

ENTITY = {"INVOICE": "invoice", "CREDIT": "credit_note", "RECEIPT": "payment", "PAYOUT": "refund"}


class Document(Struct):
    """One record that travels; `rest` is what no link has used."""

    key: Key
    customer: str
    rest: Decimal


class Graph:
    """All documents of a database with their links."""

    def __init__(self, database: Path) -> None:
        self.documents: dict[Key, Document] = {}
        self.links: list[tuple[Key, Key]] = []
        """(what settles or refunds, what is settled or refunded)."""
        self.parents: dict[str, str] = {
            str(child): str(parent)
            for child, parent in query(
                database, "select client_no, parent_no from clients where parent_no is not null"
            )
        }
        self.customers = {str(n) for (n,) in query(database, "select client_no from clients")}
        self._read(database)

    def _read(self, database: Path) -> None:
        ticked: list[Key] = []
        for number, kind, client, total, settled in query(
            database, "select bill_id, kind, client_no, total, settled_on from bills"
        ):
            key = (ENTITY[kind], str(number))
            self._add(key, client, total)
            if settled is not None:
                ticked.append(key)
        for table, entity, column in (
            ("money_in", "payment", "receipt_id"),
            ("money_out", "refund", "payout_id"),
        ):
            for number, client, amount in query(
                database, f"select {column}, client_no, amount from {table}"
            ):
                self._add((entity, str(number)), client, amount)
        for number, client, amount in query(
            database, "select entry_id, client_no, amount from journal"
        ):
            entity = "refund" if Decimal(str(amount)) > 0 else "payment"
            self._add((entity, f"J{number}"), client, abs(Decimal(str(amount))))
        for kind, source, target_kind, target, amount in query(database, "select * from applied"):
            to = "invoice" if target_kind == "BILL" else ENTITY[target_kind]
            self._link((ENTITY[kind], str(source)), (to, str(target)), Decimal(str(amount)))
        for key in ticked:
            if rest := self.documents[key].rest:
                fix = ("payment", f"fix:{key[1]}")
                self._add(fix, self.documents[key].customer, rest)
                self._link(fix, key, rest)

    def _add(self, key: Key, customer: object, amount: object) -> None:
        self.documents[key] = Document(key, str(customer), Decimal(str(amount)))

    def _link(self, source: Key, target: Key, amount: Decimal) -> None:
        self.links.append((source, target))
        for key in (source, target):
            # What a sum of SQLite's floats leaves is not money.
            self.documents[key].rest = round(self.documents[key].rest - amount, 3)

    def open_items(self) -> set[Key]:
        """Documents with an open part, and all that links reach from them."""
        neighbours: dict[Key, list[Key]] = defaultdict(list)
        for one, other in self.links:
            neighbours[one].append(other)
            neighbours[other].append(one)
        reached = {key for key, document in self.documents.items() if document.rest > 0}
        frontier = list(reached)
        while frontier:
            for other in neighbours[frontier.pop()]:
                if other not in reached:
                    reached.add(other)
                    frontier.append(other)
        return reached

    def root(self, customer: str) -> str:
        """The customer's root ancestor."""
        while customer in self.parents:
            customer = self.parents[customer]
        return customer
