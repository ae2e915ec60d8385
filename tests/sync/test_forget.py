"""A person's data on request: gone from what is kept, to the last byte, and nothing else is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from desk import HubDesk, prove_in_step
from shop import Shop

from headrace.sync.journal import Journal, Reject

_TELLING = (b"Anna Example", b"anna@example.org", b"FR77ANNA")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop")
    shop.customer("cust-anna")
    shop.run("update customers set name = 'Anna Example', vat_number = 'FR77ANNA'")
    shop.run(
        "insert into contacts (customer_external_id, email, first_name) "
        "values ('cust-anna', 'anna@example.org', 'Anna Example')"
    )
    shop.invoice("I1", "cust-anna", 100)
    shop.customer("cust-ben")
    shop.invoice("I2", "cust-ben", 100)
    yield shop
    shop.close()


def _traces(folder: Path, *terms: bytes) -> set[str]:
    return {
        f"{term.decode()} in {path.name}"
        for path in folder.rglob("*")
        if path.is_file()
        for term in terms
        if term in path.read_bytes()
    }


def _forget(desk: HubDesk, *words: str) -> dict[str, object]:
    found = desk.command("forget", "--customer", "cust-anna", "--json", *words)
    assert found.returncode == 0, found
    report: dict[str, object] = json.loads(found.stdout)
    return report


def test_a_customers_data_are_gone_from_every_file_once_it_was_deleted(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    desk.apply()
    data = shop.folder / ".headrace"
    assert _traces(data, *_TELLING)
    log = data / "headrace.log"
    log.write_text("a traceback with Anna Example", encoding="utf-8")
    shop.drop("invoices", "I1")
    shop.run("delete from contacts")
    shop.drop("customers", "cust-anna")
    desk.apply()
    report = _forget(desk, "--yes")
    assert report["found"]["told"] == 0  # type: ignore[index]
    assert _traces(data, *_TELLING, b"cust-anna") == set()
    assert b"cust-ben" in (data / "shop" / "journal.db").read_bytes()
    prove_in_step(desk)
    assert _traces(data, *_TELLING, b"cust-anna") == set()


def test_contacts_that_travel_on_their_own_are_forgotten_too(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    with (shop.folder / "headrace.toml").open("a") as file:
        file.write('contacts = "separately"\n')
    desk = new_desk(shop.folder)
    desk.apply()
    for table in ("invoices", "contacts"):
        shop.run(f"delete from {table}")
    shop.drop("customers", "cust-anna")
    desk.apply()
    _forget(desk, "--yes")
    assert _traces(shop.folder / ".headrace", *_TELLING, b"cust-anna") == set()


def test_what_the_api_still_has_stays_known_by_its_ids_and_can_be_deleted(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    desk.apply()
    dry = _forget(desk, "--dry-run")
    assert dry["found"]["payloads"] >= 2  # type: ignore[index]
    assert _traces(shop.folder / ".headrace", b"Anna Example")
    report = _forget(desk, "--yes")
    assert {**report, "dry_run": True} == {**dry, "left": report["left"]}
    assert "Upflow: it has" in report["left"][0]  # type: ignore[index]
    assert _traces(shop.folder / ".headrace", *_TELLING) == set()
    assert desk.plan().requests == 0
    shop.drop("invoices", "I1")
    shop.run("delete from contacts")
    shop.drop("customers", "cust-anna")
    assert desk.apply()[1].sent == 2
    _forget(desk, "--yes")
    assert _traces(shop.folder / ".headrace", *_TELLING, b"cust-anna") == set()


def test_the_folder_that_a_tap_keeps_is_left_to_do(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)

    def folders() -> list[str]:
        left = _forget(desk, "--dry-run")["left"]
        return [one for one in left if one.startswith("the folder")]  # type: ignore[attr-defined]

    assert folders() == []
    settings = shop.folder / "headrace.toml"
    taps = [f'kind = "singer", options = {{ command = "tap", state = "{n}" }}' for n in "ab"]
    text = settings.read_text("utf-8")
    own = re.search(r"^source = .*$", text, re.MULTILINE)
    assert own is not None
    settings.write_text(text.replace(own[0], f"source = {{ {taps[0]}, bank = {{ {taps[1]} }} }}"))
    assert folders() == [
        f"the folder {name}: delete it, and the tap is read from the beginning" for name in "ab"
    ]


def test_refusals_that_name_the_person_are_gone(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    desk.apply()
    with desk.open() as organisation:
        journal = organisation.journal
        from_other = b'{"customer": {"externalId": "cust-ben"}, "name": "kept"}'
        of_anna = b'{"customer": {"externalId": "cust-anna"}, "name": "Anna Example"}'
        for name, payload, said in (
            ("R1", of_anna, "amount is wrong"),
            ("R2", from_other, "Anna Example is not there"),
            ("R3", from_other, "kept"),
        ):
            _reject(journal, name, payload, said)
    report = _forget(desk, "--yes")
    assert report["found"]["rejects"] == 2  # type: ignore[index]
    assert report["found"]["run_records"] == 2  # type: ignore[index]
    assert _traces(shop.folder / ".headrace", *_TELLING) == set()
    with desk.open() as organisation:
        assert [one.external_id for one in organisation.journal.rejects()] == ["R3"]


def test_a_journal_in_postgresql_forgets_as_well(
    shop: Shop, new_desk: Callable[[Path], HubDesk], postgres_database: str
) -> None:
    path = shop.folder / "headrace.toml"
    path.write_text('journal = "env:JOURNAL"\n' + path.read_text())
    desk = new_desk(shop.folder)
    desk.environment["JOURNAL"] = postgres_database
    desk.apply()
    report = _forget(desk, "--yes")
    assert report["found"]["payloads"] >= 2  # type: ignore[index]
    assert _forget(desk, "--dry-run")["found"]["payloads"] == 0  # type: ignore[index]
    prove_in_step(desk)


def test_nobody_is_forgotten_by_mistake_or_beside_a_sync(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    desk.apply()
    assert desk.command("forget", "--customer", "cust-anna").returncode == 6
    with desk.open():
        found = desk.start("forget", "--customer", "cust-anna", "--yes").communicated()
    assert found.returncode == 8
    assert _traces(shop.folder / ".headrace", b"Anna Example")
    found = desk.command("forget", "--customer", "nobody", "--yes")
    assert (found.returncode, "Taken out: the book." in found.stdout) == (0, True)


def _reject(journal: Journal, name: str, payload: bytes, said: str) -> None:
    journal.reject(
        Reject(
            entity="invoice",
            external_id=name,
            fingerprint=1,
            status=400,
            message=said,
            payload=payload,
        )
    )
