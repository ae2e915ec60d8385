"""`headrace explain`: one record, whatever keeps it back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pair import Pair
from rewound import Rewound, filled
from shop import Shop

from headrace.model.errors import ConfigurationError
from headrace.sync.dossier import Dossiers
from headrace.testkit.hub import RunningHub

CURRENCIES = ["ZZZ", "euro"]


def _fill(shop: Shop) -> None:
    """A customer with an invoice and its payment."""
    shop.customer("A")
    shop.invoice("I1", "A", 100)
    shop.payment("P1", "A", 60, {"I1": 60})


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Rewound:
    return filled(tmp_path_factory.mktemp("explained"), open_hub, "explained", _fill)


Explained = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def explain(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Iterator[Explained]:
    """What the command would say in JSON of a shop where something happened to each customer: one
    book for all of them."""

    def fill(shop: Shop) -> None:
        for name in ("A", "NEXT", "ZZZ", "euro", "LEFT", "OWES", "TWICE"):
            shop.customer(name)
        for name in ("NEXT", "ZZZ", "euro", "LEFT", "OWES"):
            shop.invoice(f"I-{name}", name, 100)
        for name in ("ZZZ", "euro", "LEFT", "OWES"):
            shop.payment(f"P-{name}", name, 60, {f"I-{name}": 60})
        shop.customer("REFUSED")
        shop.run("update customers set name = ? where external_id = 'REFUSED'", "x" * 10_001)
        shop.invoice("I-REFUSED", "REFUSED", 100)

    folder = tmp_path_factory.mktemp("book")
    before = filled(folder, open_hub, "explained-book", fill)
    with before.pair(folder / "now") as pair:
        pair.shop.run("update invoices set custom_id = 'F-17' where external_id = 'I-OWES'")
        pair.shop.run("update invoices set gross_amount = 200 where external_id = 'I-NEXT'")
        for currency in CURRENCIES:
            pair.shop.run(
                "update invoices set currency = ? where external_id = ?",
                *(currency, f"I-{currency}"),
            )
        pair.shop.drop("payments", "P-LEFT")
        pair.shop.credit_note("N-OWES", "OWES", 15)
        pair.shop.invoice("TWICE", "TWICE", 5)
        with pair.desk.open() as opened:
            asyncio.run(opened.prepare())
            dossiers = Dossiers(opened, opened.plan())

            def explained(record: str) -> dict[str, Any]:
                document: dict[str, Any] = json.loads(
                    msgspec.json.encode(dossiers.read(dossiers.find(record)))
                )
                return document

            yield explained


@pytest.fixture
def own(delivered: Rewound, tmp_path: Path) -> Iterator[Pair]:
    with delivered.pair(tmp_path / "shop") as pair:
        yield pair


def explained(pair: Pair, record: str) -> dict[str, Any]:
    """What `headrace explain RECORD --json` says."""
    done = pair.desk.command("explain", record, "--json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_a_record_in_step_is_shown_from_its_row_to_what_the_api_has(own: Pair) -> None:
    one = explained(own, "payment/P1")
    assert one["verdict"] == "in step: the API acknowledged what the source says"
    assert [(s["table"], s["column"]) for s in one["source"]] == [("payments", "external_id")]
    assert one["row"]["amount"] == "60" and one["links"][0]["external_id"] == "I1"
    assert one["payload"] == one["acknowledged"]
    assert one["payload"]["linkedInvoices"][0]["amountLinked"] == 60
    shown = own.desk.command("explain", "payment/P1").stdout
    assert "link to invoice I1 EUR 0.60" in shown and "API has  the same" in shown


def test_it_is_found_by_its_number_and_what_fits_several_is_asked_back(
    explain: Explained, own: Pair
) -> None:
    assert explain("F-17")["external_id"] == "I-OWES"
    assert explain("A")["entity"] == "customer"
    with pytest.raises(ConfigurationError, match="customer/TWICE, invoice/TWICE"):
        explain("TWICE")
    nothing = own.desk.command("explain", "invoice/NONE")
    assert nothing.returncode == 6 and "There is no invoice NONE" in nothing.stderr


def test_what_would_be_sent_next_is_named(explain: Explained) -> None:
    one = explain("invoice/I-NEXT")
    assert (one["next"], one["verdict"]) == ("update", "the next apply sends it: update")
    assert one["acknowledged"]["grossAmount"] == 100 and one["payload"]["grossAmount"] == 200


@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_row_in_error_says_why_nothing_of_it_is_sent(explain: Explained, currency: str) -> None:
    one = explain(f"invoice/I-{currency}")
    assert (
        one["verdict"].startswith(f"withheld: has the currency '{currency}'")
        and one["payload"] is None
    )
    assert len(one["problems"]) == 1 and one["acknowledged"]["currency"] == "EUR"
    link = explain(f"payment/P-{currency}")["links"][0]
    assert link["reason"] == f"its invoice I-{currency} is withheld"


def test_a_link_to_a_row_in_error_is_shown_as_not_sent(own: Pair) -> None:
    own.shop.run("update invoices set currency = 'ZZZ' where external_id = 'I1'")
    shown = own.desk.command("explain", "payment/P1").stdout
    assert "link to invoice I1 EUR 0.60: not sent, its invoice I1 is withheld" in shown


def test_a_refusal_is_shown_with_the_words_of_the_api_and_what_it_holds_back(
    explain: Explained,
) -> None:
    refused = explain("customer/REFUSED")
    assert refused["refused"].startswith("400 name: ") and not refused["known_to_api"]
    assert refused["verdict"].startswith("held back: refused before: name: ")
    held = explain("invoice/I-REFUSED")
    assert held["verdict"] == "held back: its customer REFUSED was refused"


def test_a_record_that_left_the_source_is_explained_from_the_journal(explain: Explained) -> None:
    one = explain("payment/P-LEFT")
    assert (one["row"], one["source"], one["next"]) == (None, [], "delete")
    assert one["acknowledged"]["amount"] == 60


def test_what_people_changed_at_the_api_is_shown_after_a_look(own: Pair) -> None:
    own.desk.request("PUT", "/invoices/external:I1", {"dueDate": "2027-01-01"})
    assert own.desk.command("drift").returncode == 9
    one = explained(own, "invoice/I1")
    assert one["drift"]["fields"][0][0] == "dueDate"
    assert "drift    the API keeps dueDate" in own.desk.command("explain", "invoice/I1").stdout


def test_it_works_while_a_sync_has_the_book(own: Pair) -> None:
    own.shop.run("update invoices set gross_amount = 200 where external_id = 'I1'")
    with own.desk.open():
        done = own.desk.command("explain", "invoice/I1", "--json")
        assert own.desk.command("plan").returncode == 8
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("shop is being synced: explained by the source")
    one = json.loads(done.stdout)
    assert (one["next"], one["payload"]["grossAmount"]) == ("update", 200)
    assert one["acknowledged"]["grossAmount"] == 100
    data = own.shop.folder / ".headrace" / "shop"
    assert not list(data.glob("aside-*"))
    assert len(own.sync()) == 1


def test_what_a_customer_owes_adds_up(explain: Explained) -> None:
    one = explain("customer/OWES")
    assert one["customer"] == "OWES"
    assert one["owed"] == [
        {"currency": "EUR", "amounts": {"credit_note": -15, "invoice": 100, "payment": -60}}
    ]
