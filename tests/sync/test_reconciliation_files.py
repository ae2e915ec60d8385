"""The proof as files: what a spreadsheet and a person get."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from desk import HubDesk
from shop import Shop


def test_differences_as_csv_and_a_page(tmp_path: Path, new_desk: Callable[[Path], HubDesk]) -> None:
    shop = Shop(tmp_path / "shop")
    today = datetime.now(UTC).date()
    shop.customer("A & Sons")
    for late in (-5, 1, 30, 31, 60, 61, 90, 91):
        day = str(today - timedelta(days=late))
        shop.invoice(f"L{late}", "A & Sons", 1000 + late, day=day)
    shop.payment("P", "A & Sons", 700, {"L1": 500})
    desk = new_desk(shop.folder)
    desk.apply()
    files = tmp_path / "proof.html", tmp_path / "proof.csv"
    words = ("reconcile", "--json", "--html", str(files[0]), "--csv", str(files[1]))
    done = desk.command(*words)
    assert done.returncode == 0
    (document,) = msgspec.json.decode(done.stdout)
    expected = {
        "currency": "EUR",
        "not_due": 995,
        "days_30": 1001 - 500 + 1030,
        "days_60": 1031 + 1060,
        "days_90": 1061 + 1090,
        "older": 1091,
        "unapplied": -200,
    }
    assert document["proof"]["ageing"] == [
        {**expected, "side": "models"},
        {**expected, "side": "API"},
    ]
    assert (
        sum(value for value in expected.values() if isinstance(value, int))
        == (document["proof"]["totals"][0]["api"])
    )
    page = files[0].read_text()
    assert "balanced" in page and "None: every customer owes the same" in page
    assert len(list(csv.reader(files[1].open()))) == 1
    shop.run("update invoices set gross_amount = 5000 where external_id = 'L91'")
    assert desk.command(*words).returncode == 9
    page = files[0].read_text()
    assert "A &amp; Sons" in page and "EUR 39.09" in page and "open amounts differ" in page
    assert "src=" not in page and "href=" not in page
    header, row = csv.reader(files[1].open())
    assert dict(zip(header, row, strict=True)) == {
        "organisation": "shop",
        "customer": "A & Sons",
        "customer_name": "Customer A & Sons",
        "currency": "EUR",
        "control": "",
        "models": "115.68",
        "api": "76.59",
        "difference": "39.09",
        "entity": "invoice",
        "document": "L91",
        "number": "No L91",
        "document_models": "50.00",
        "document_api": "10.91",
        "state_models": "overdue",
        "state_api": "overdue",
        "reason": "open amounts differ",
    }
    shop.close()
