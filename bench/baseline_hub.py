"""The yardstick of the hub's bench: one durable upsert and one point read, as bare as it gets.

Starlette, msgspec and sqlite3 with `synchronous=FULL`, one commit per request, on the event loop.
No keys, no limits, no links. Run: python bench/baseline_hub.py DATABASE
"""

from __future__ import annotations

import socket
import sqlite3
import sys

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


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


DECODER = msgspec.json.Decoder(Invoice)
DB = sqlite3.connect(sys.argv[1], isolation_level=None)
DB.execute("PRAGMA journal_mode=WAL")
DB.execute("PRAGMA synchronous=FULL")
DB.execute("CREATE TABLE IF NOT EXISTS invoice (external_id TEXT PRIMARY KEY, body TEXT NOT NULL)")
UPSERT = (
    "INSERT INTO invoice (external_id, body) VALUES (?, ?) "
    "ON CONFLICT (external_id) DO UPDATE SET body = excluded.body"
)


async def upsert(request: Request) -> Response:
    invoice = DECODER.decode(await request.body())
    body = msgspec.json.encode(invoice)
    DB.execute(UPSERT, (invoice.external_id, body.decode()))
    return Response(body, media_type="application/json")


async def get(request: Request) -> Response:
    external_id = request.path_params["id"].removeprefix("external:")
    row = DB.execute("SELECT body FROM invoice WHERE external_id = ?", (external_id,)).fetchone()
    if row is None:
        return Response(status_code=404)
    invoice = DECODER.decode(row[0])
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
