"""Makes the databases of a released version for `fixtures/`; run it before a release.

    PYTHONPATH=tests .venv/bin/python tests/store/released.py 0.1.0

writes a folder of that name there, with `hub.db`, `hub.sql` (PostgreSQL, as pg_dump tells it,
without what only its own client or version understands), and per engine a key pair and what the hub
of that version answered. A folder that is there is never written again: a later version has to open
what earlier ones wrote.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from headrace.model.collection import ActionDraft
from headrace.model.reference import external
from headrace.server.description.schemas import REQUESTS
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.engine.place import Place
from headrace.store.records.actions import make_action
from headrace.store.records.directory import make_bank_account, make_dunning_plan
from headrace.store.records.organisations import organisation_by_seq
from inside import Inside
from postgres import find_binaries, fresh_database, running_server

FIXTURES = Path(__file__).parent / "fixtures"
OWNER = "/customers/external:1a2c3b"
PLACES = {
    "CustomField": "/custom_fields",
    "Customer": "/customers",
    "Contact": f"{OWNER}/contacts",
    "Invoice": "/invoices",
    "CreditNote": "/credit_notes",
    "Payment": "/payments",
    "Refund": "/refunds",
    "Reconciliation": "/reconcile",
    "NoteDraft": f"{OWNER}/notes",
    "PortalRequest": f"{OWNER}/portal",
}
ASKED = (
    "/customers", "/invoices", "/credit_notes", "/payments", "/refunds", "/custom_fields", "/users",
    "/bank_accounts", "/dunning_plans", "/actions", f"{OWNER}/contacts", f"{OWNER}/notes",
    f"{OWNER}/account-managers", f"{OWNER}/invoices",
)  # fmt: skip


def fill(hub: Inside) -> None:
    """Create a few records of each kind: the examples of the API's document, and a team's data."""
    hub.new_organisation()

    def team(db: Connection) -> None:
        (organisation,) = db.execute("SELECT max(seq) FROM organisation").fetchone()
        context = Context(organisation_by_seq(db, organisation), hub.clock.now())
        make_bank_account(db, context, name="Main account")
        make_dunning_plan(db, context, name="Gentle")
        draft = ActionDraft(
            name="Reminder",
            type="EMAIL",
            customer=external("1a2c3b"),
            carrying_invoice=external("54a65b4c32"),
        )
        make_action(db, context, draft)

    for name, path in PLACES.items():
        _done(hub, "POST", path, REQUESTS[name])
    _done(hub, "POST", "/customers", {"externalId": "child", "name": "Child", "parent": {
        "externalId": "1a2c3b"}})  # fmt: skip
    late = {**REQUESTS["Invoice"], "externalId": "late", "dueDate": "2016-01-01", "customer": {
        "externalId": "child"}}  # fmt: skip
    _done(hub, "POST", "/invoices", late)
    _done(hub, "POST", f"{OWNER}/account-managers", {"id": hub.user})
    _done(hub, "POST", "/invoices/external:late/pdf", {"data": "JVBERi0xLjQKJSVFT0YK"})
    hub.write(team)


def answers(hub: Inside) -> dict[str, Any]:
    """Return the hub's answers, without links to PDFs, which change every hour."""
    found = {path: _done(hub, "GET", path) for path in ASKED}
    found["summary"] = _done(hub, "POST", f"{OWNER}/customer_summary")
    text = re.sub(r'"pdfUrl": "[^"]+"', '"pdfUrl": "<link>"', json.dumps(found))
    blanked: dict[str, Any] = json.loads(text)
    return blanked


def _done(hub: Inside, method: str, path: str, body: Any = None) -> Any:
    status, answer = hub.call(method, path, body)
    assert 200 <= status < 300, (method, path, answer)
    return answer


def _keep(folder: Path, engine: str, place: Place) -> None:
    hub = Inside(place)
    fill(hub)
    kept = {"headers": hub.headers, "answers": answers(hub)}
    hub.close()
    (folder / f"{engine}.json").write_text(json.dumps(kept, indent=1) + "\n")


def _dump(url: str) -> str:
    """Dump the database as statements that any driver and every later version accepts."""
    binaries = find_binaries()
    assert binaries is not None
    command = [str(binaries / "pg_dump"), "--inserts", "--no-owner", "--no-privileges", url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = [
        line
        for line in text.splitlines()
        if not line.startswith(("--", "\\", "SET ", "SELECT pg_catalog.set_config"))
    ]
    return re.sub(r"\n{2,}", "\n", "\n".join(lines)).strip() + "\n"


def main(version: str) -> None:
    """Write the fixtures; refuses to overwrite existing ones."""
    folder = FIXTURES / version
    folder.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        _keep(folder, "sqlite", Place(folder=Path(scratch)))
        with sqlite3.connect(Path(scratch) / "hub.db") as db:
            db.execute("VACUUM INTO ?", (str(folder / "hub.db"),))
        shutil.rmtree(Path(scratch) / "pdfs", ignore_errors=True)
        settings = {"listen_addresses": "127.0.0.1"}
        with running_server(settings) as server, fresh_database(server) as url:
            _keep(folder, "postgresql", Place(folder=Path(scratch), url=url))
            (folder / "hub.sql").write_text(_dump(url))


if __name__ == "__main__":
    main(sys.argv[1])
