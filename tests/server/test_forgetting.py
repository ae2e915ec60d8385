"""A running hub removes a customer from its database, requests and PDFs, to the last byte."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.parse
from pathlib import Path
from typing import Any

from hub_api import Api, customer, invoice

from headrace.server.observing.request_journal import JOURNAL
from headrace.server.observing.request_search import Query, search
from headrace.store.admin.check import check_database
from headrace.store.engine.place import PDFS, Place, snapshot
from headrace.testkit.billing.pdf import small_pdf
from headrace.testkit.hub import hub_process, make_keys

_TELLING = (b"Anna Example", b"anna@example.org", b"cust anna")


def _traces(folder: Path) -> set[str]:
    return {
        f"{term.decode()} in {path.name}"
        for path in folder.rglob("*")
        if path.is_file()
        for term in _TELLING
        if term in path.read_bytes()
    }


def _forget(place: Place, *words: str) -> dict[str, Any]:
    where = ["--data", str(place.folder)] + (["--database", place.url] if place.url else [])
    command = [sys.executable, "-m", "headrace", "hub", "forget", "acme", "--json", *where]
    command += ["--customer", "cust anna", *words]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found
    report: dict[str, Any] = json.loads(found.stdout)
    return report


def test_a_running_hub_forgets_a_customer_to_the_last_byte(
    tmp_path: Path, database: str | None
) -> None:
    data = tmp_path / "hub"
    with hub_process(data, database=database) as process:
        pair = make_keys(process.place, "acme")
        api = Api(process.url, pair.key, pair.secret, "acme")
        contacts = [{"email": "anna@example.org", "firstName": "Anna Example", "isMain": True}]
        api.post("/customers", customer("cust anna", name="Anna Example", contacts=contacts))
        api.post("/customers", customer("cust ben", name="Ben Example"))
        api.post("/invoices", invoice("I1", "cust anna", 100))
        api.post("/invoices", invoice("I2", "cust ben", 100))
        pdf = base64.b64encode(small_pdf("Anna Example")).decode()
        assert api.call("POST", "/invoices/external:I1/pdf", {"data": pdf}).status == 204
        api.get(f"/customers/external:{urllib.parse.quote('cust anna')}")
        api.get("/customers")
        _until_written(data)
        assert _traces(data)
        dry = _forget(process.place, "--dry-run")
        assert (dry["customers"], dry["documents"]) == (1, 1)
        report = _forget(process.place, "--yes")
        assert (report["customers"], report["documents"]) == (1, 1)
        assert report["requests"] >= 5
        if database is None:
            assert _traces(data) == set()
        else:
            assert "vacuum full" in report["left"][0]
        assert api.get("/customers")["total"] == 1
        assert api.get("/invoices/external:I2")["grossAmount"] == 100
        assert {entry.external_id for entry in search(data / JOURNAL, Query())} >= {"I2"}
        api.close()
    assert not [path for path in (data / PDFS).rglob("*") if path.is_file()]
    with snapshot(process.place) as db:
        assert list(check_database(db)) == []
    assert _traces(data) == set()


def _until_written(data: Path) -> None:
    """Wait for the journal, which is written shortly after the answers."""
    while not any(entry.path.endswith("/v1/customers") and entry.method == "GET"
                  for entry in search(data / JOURNAL, Query())):  # fmt: skip
        pass
