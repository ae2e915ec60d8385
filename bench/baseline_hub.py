"""The yardstick of the hub's bench: one durable upsert and one point read, as bare as it gets.

Starlette, msgspec and the database's driver, one commit per request, on the event loop. No keys, no
limits, no links. On SQLite with `synchronous=FULL`, one statement per request; on PostgreSQL by
plain psycopg, the statements that the hub itself runs for the same request, on tables like the
hub's. Run: python bench/baseline_hub.py DATABASE, a file or a URL
"""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
from typing import Any, Protocol

import msgspec
import psycopg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headrace.store.queries import COUNTER, CUSTOMER, DOCUMENT

NOW = "2026-11-22T12:00:00.000Z"


class Customer(msgspec.Struct, rename="camel"):
    external_id: str


class Invoice(msgspec.Struct, rename="camel"):
    external_id: str
    custom_id: str
    issued_at: str
    due_date: str
    currency: str
    gross_amount: int
    net_amount: int
    customer: Customer


class Rows(Protocol):
    def upsert(self, invoice: Invoice, body: str) -> None: ...

    def find(self, external_id: str) -> str | None: ...


class SqliteRows:
    """One table of two columns."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS invoice (external_id TEXT PRIMARY KEY, body TEXT NOT NULL)"
        )

    def upsert(self, invoice: Invoice, body: str) -> None:
        self._db.execute(
            "INSERT INTO invoice (external_id, body) VALUES (?, ?) "
            "ON CONFLICT (external_id) DO UPDATE SET body = excluded.body",
            (invoice.external_id, body),
        )

    def find(self, external_id: str) -> str | None:
        query = "SELECT body FROM invoice WHERE external_id = ?"
        row = self._db.execute(query, (external_id,)).fetchone()
        return row[0] if row else None


class PostgresRows:
    """The hub's tables, with an organisation in them and whatever customers are asked for."""

    def __init__(self, url: str) -> None:
        # As the hub does, lest a plan that was made for empty tables is kept.
        options = "-c jit=off -c enable_seqscan=off"
        self._db = psycopg.connect(url, autocommit=True, options=options)
        self._organisation = self._one("SELECT seq FROM organisation")[0]
        for number in range(100):
            values = (self._organisation, os.urandom(16).hex(), f"customer-{number}", None, "C")
            self._one(CUSTOMER["insert"], (*values, None, NOW, NOW, "[]", "{}"))

    def upsert(self, invoice: Invoice, body: str) -> None:
        with self._db.transaction():
            row = self._document(invoice.external_id)
            dates = (invoice.issued_at, invoice.due_date)
            if row is not None:
                self._run(
                    DOCUMENT["amend"], (invoice.gross_amount, *dates, NOW, body, None, row[10])
                )
                return
            customer = (invoice.customer.external_id, self._organisation)
            owner = self._one(CUSTOMER["by_external_id"], customer)
            self._one(DOCUMENT["by_seq"], (self._create(invoice, owner[0], dates, body),))

    def find(self, external_id: str) -> str | None:
        row = self._document(external_id)
        return row[14] if row else None

    def _create(self, invoice: Invoice, owner: int, dates: tuple[str, str], body: str) -> int:
        ids = (self._organisation, "invoice", os.urandom(16).hex(), invoice.external_id, owner)
        values = (*ids, invoice.currency, invoice.gross_amount, *dates, NOW, NOW, body, None)
        seq: int = self._one(DOCUMENT["insert"], values)[0]
        self._run(COUNTER["add"], (self._organisation, 0, "invoice", "", 1))
        self._run(COUNTER["add"], (self._organisation, owner, "invoice", invoice.currency, 1))
        return seq

    def _document(self, external_id: str) -> Any:
        key = (external_id, "invoice", self._organisation)
        return self._one(DOCUMENT["by_external_id"], key)

    def _run(self, statement: str, values: tuple[object, ...] = ()) -> psycopg.Cursor[Any]:
        return self._db.execute(statement.replace("?", "%s"), values, prepare=True)

    def _one(self, statement: str, values: tuple[object, ...] = ()) -> Any:
        return self._run(statement, values).fetchone()


DECODER = msgspec.json.Decoder(Invoice)
ROWS: Rows = (PostgresRows if "://" in sys.argv[1] else SqliteRows)(sys.argv[1])


async def upsert(request: Request) -> Response:
    invoice = DECODER.decode(await request.body())
    body = msgspec.json.encode(invoice)
    ROWS.upsert(invoice, body.decode())
    return Response(body, media_type="application/json")


async def get(request: Request) -> Response:
    body = ROWS.find(request.path_params["id"].removeprefix("external:"))
    if body is None:
        return Response(status_code=404)
    invoice = DECODER.decode(body)
    return Response(msgspec.json.encode(invoice), media_type="application/json")


APP = Starlette(
    routes=[
        Route("/v1/invoices", upsert, methods=["POST"]),
        Route("/v1/invoices/{id}", get),
    ]
)

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(APP, http="httptools", log_config=None, access_log=False)
    uvicorn.Server(config).run([listener])
