"""Money and ids keep their value from the source to the hub, and a bad value is its row's alone."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from desk import HubDesk, apply_in_step, copy_example
from shop import Shop
from together import Case, Story, Together

from project_books import aged

together = Together()
MakeDesk = Callable[[Path], HubDesk]
TOML = """\
[organisation.acme]
target = { url = "env:HEADRACE_URL", key = "env:HEADRACE_KEY", secret = "env:HEADRACE_SECRET", \
rate = 1000000 }
source = { %s }
"""
CUSTOMERS = "select id as external_id, name, parent as parent_external_id from c"
INVOICES = (
    "select id as external_id, customer as customer_external_id, number as custom_id, "
    "'2026-01-01' as issued_at, '2026-02-01' as due_date, 'EUR' as currency, "
    "minor(total, 'EUR') as gross_amount, minor(total, 'EUR') as net_amount from bills"
)


def project(folder: Path, source: str) -> Path:
    (folder / "models").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "models" / "customers.sql").write_text(CUSTOMERS)
    (folder / "models" / "invoices.sql").write_text(INVOICES)
    (folder / "headrace.toml").write_text(TOML % source)
    return folder


def rows(as_id: Callable[[int], Any]) -> dict[str, list[dict[str, Any]]]:
    customers = [
        {"id": as_id(n), "name": f"C{n}", "parent": 1.0 if n > 6 else None} for n in range(1, 9)
    ]
    bills = [
        {"id": 100 + n, "customer": as_id(n), "number": 1000.0 + n, "total": "10.00"}
        for n in range(1, 9)
    ]
    return {"c": customers, "bills": bills}


def write_json(folder: Path, tables: dict[str, list[dict[str, Any]]]) -> None:
    for name, items in tables.items():
        lines = "".join(json.dumps(item) + "\n" for item in items)
        (folder / "data" / f"{name}.jsonl").write_text(lines)
    aged(folder / "data")


def write_sqlite(folder: Path, tables: dict[str, list[dict[str, Any]]]) -> None:
    with sqlite3.connect(folder / "s.db") as db:
        for name, items in tables.items():
            db.execute(f"drop table if exists {name}")
            db.execute(f"create table {name} ({', '.join(items[0])})")
            marks = ", ".join("?" * len(items[0]))
            db.executemany(
                f"insert into {name} values ({marks})", [tuple(i.values()) for i in items]
            )
    db.close()


@pytest.mark.parametrize(
    ("source", "write"),
    [
        ('kind = "files", path = "data"', write_json),
        ('kind = "sql", url = "sqlite:///s.db"', write_sqlite),
    ],
    ids=["json", "sqlite"],
)
def test_ids_stay_the_same_however_the_export_writes_numbers(
    source: str, write: Callable[..., None], tmp_path: Path, new_desk: MakeDesk
) -> None:
    folder = project(tmp_path / "p", source)
    write(folder, rows(int))
    desk = new_desk(folder)
    desk.apply()
    held = {c["externalId"]: (c["parent"] or {}).get("externalId") for c in customers(desk)}
    assert held == {str(n): "1" if n > 6 else None for n in range(1, 9)}
    assert {i["customId"] for i in desk.get("/invoices?limit=100")["invoices"]} == {
        str(1000 + n) for n in range(1, 9)
    }
    with desk.open() as organisation:
        for as_id in (lambda n: float(n) if n == 3 else n, float, str, lambda n: f"{n}.0"):
            write(folder, rows(as_id))
            asyncio.run(organisation.prepare())
            assert organisation.plan().requests == 0


def customers(desk: HubDesk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk.get("/customers?limit=100")["customers"]
    return found


def test_ids_of_64_bits_beside_a_float_stay_apart(tmp_path: Path, new_desk: MakeDesk) -> None:
    folder = project(tmp_path / "p", 'kind = "files", path = "data"')
    (folder / "models" / "invoices.sql").unlink()
    ids = ["1234567890123456789", "1234567890123456788", "12.0"]
    lines = (f'{{"id": {id}, "name": "C", "parent": null}}\n' for id in ids)
    (folder / "data" / "c.jsonl").write_text("".join(lines))
    aged(folder / "data")
    desk = new_desk(folder)
    desk.apply()
    assert {c["externalId"] for c in customers(desk)} == {*ids[:2], "12"}


ODD_CONTACTS = ["crm/17", "a%2Fb", "a b", "ü\u202e", "Ann", "ANN", "..", "?x=1#y", "1/2/3"]


def test_contacts_of_any_id_are_made_adopted_changed_and_deleted(
    tmp_path: Path, new_desk: MakeDesk
) -> None:
    shop = Shop(tmp_path / "p", more='contacts = "separately"')
    owners = ["A", "A/B", "A%2FB", "a"]
    for owner in owners:
        shop.customer(owner)
        for place, name in enumerate([*ODD_CONTACTS, "B/K", "K"]):
            shop.run(
                "insert into contacts values (?, ?, ?, 'x', null)", owner, f"{place}@x.test", name
            )
    desk = new_desk(shop.folder)
    _, outcome, _ = apply_in_step(desk)
    assert (outcome.rejected, outcome.held, outcome.drifted) == (0, 0, 0)
    shutil.rmtree(shop.folder / ".headrace")  # the journal is lost
    assert desk.command("adopt", "--write").returncode == 0
    assert desk.plan().requests == 0
    shop.run("update contacts set first_name = 'y'")
    _, outcome = desk.apply()
    assert (outcome.sent, outcome.rejected) == (len(owners) * 11, 0)
    shop.run("delete from contacts where external_id <> 'K'")
    _, outcome = desk.apply()
    assert (outcome.sent, outcome.rejected) == (len(owners) * 10, 0)
    assert {
        c["externalId"]: [person["externalId"] for person in c["contacts"]] for c in customers(desk)
    } == {owner: ["K"] for owner in owners}


@together.each(
    ("update invoices set due_date = '20226-05-05' where external_id = 'BAD'",),
    ("update invoices set issued_at = '-0044-03-15' where external_id = 'BAD'",),
    ("update invoices set due_date = '294276-01-01' where external_id = 'BAD'",),
    ("update invoices set issued_at = '1767225600' where external_id = 'BAD'",),
    ("update invoices set gross_amount = -9223372036854775808 where external_id = 'BAD'",),
    ("update invoices set gross_amount = 9000000000000000000 where external_id = 'BAD'",),
    ("update payments set amount = 9000000000000000000 where external_id = 'PAID'",),
    ("update allocations set amount = 9000000000000000000",),
)
def test_an_absurd_value_is_the_problem_of_its_row(case: Case, change: str) -> Story:
    shop = case.shop
    shop.customer("A")
    shop.invoice("GOOD", "A", 100)
    shop.invoice("BAD", "A", 100)
    shop.payment("PAID", "A", 100, {"BAD": 100})
    shop.run(change)
    assert (yield).plan.errors >= 1
    assert case.get("/invoices/external:GOOD")["grossAmount"] == 100
    shop.run(
        "update invoices set issued_at = '2026-01-01', due_date = '2026-02-01', gross_amount = 100"
    )
    shop.run("update payments set amount = 100")
    shop.run("update allocations set amount = 100")
    step = yield
    assert step.left.problems == []
    step.agreed()
    assert {one["externalId"] for one in case.get("/invoices")["invoices"]} == {"GOOD", "BAD"}
    assert [one["amountLinked"] for one in case.get("/payments")["items"]] == [100]


def test_broken_custom_fields_of_one_customer_are_its_own(
    tmp_path: Path, new_desk: MakeDesk
) -> None:
    shop = Shop(tmp_path / "p", more="create_missing_custom_fields = true")
    shop.run("alter table customers add column custom_fields text")
    for name, given in {
        "A": '{"region": "North"', "B": '{"region": "South"}', "C": "[]", "D": '"{}"', "E": "",
    }.items():  # fmt: skip
        shop.customer(name)
        shop.run("update customers set custom_fields = ? where external_id = ?", given, name)
    desk = new_desk(shop.folder)
    plan, _ = desk.apply()
    own = [p for p in plan.problems if p.external_id != "*"]
    assert [(p.severity, p.external_id) for p in own] == [("warning", "A")]
    assert {c["externalId"] for c in customers(desk)} == {"A", "B", "C", "D", "E"}
    (value,) = desk.get("/customers/external:B")["customFields"]
    assert value["value"] == "South"


def test_stripes_own_minor_units_arrive_as_what_is_owed(tmp_path: Path, new_desk: MakeDesk) -> None:
    folder = copy_example("stripe", tmp_path)
    path = folder / "data" / "invoices.jsonl"
    lines = path.read_text().splitlines()
    base = next(one for one in map(json.loads, lines) if one["status"] == "open")
    totals = {
        "isk": (1_200_000, 12_000), "ugx": (5_000_000, 50_000), "mga": (70_000, 7_000_000),
        "jpy": (9_000, 9_000), "kwd": (12_340, 12_340), "huf": (1_500_000, 1_500_000),
    }  # fmt: skip
    for currency, (total, _) in totals.items():
        changes = {"id": f"in_{currency}", "number": currency, "currency": currency}
        amounts = dict.fromkeys(
            ("total", "total_excluding_tax", "amount_due", "amount_remaining"), total
        )
        lines.append(json.dumps(base | changes | amounts))
    path.write_text("\n".join(lines) + "\n")
    desk = new_desk(folder)
    desk.apply()
    owed = {
        currency: desk.get(f"/invoices/external:in_{currency}")["grossAmount"]
        for currency in totals
    }
    assert owed == {currency: amount for currency, (_, amount) in totals.items()}


def test_check_names_the_rows_that_a_model_gives_otherwise_each_time(
    tmp_path: Path, new_desk: MakeDesk
) -> None:
    folder = project(tmp_path / "p", 'kind = "files", path = "data"')
    write_json(folder, rows(int))
    tie = "select id as external_id, first(name) over () as name from c"
    (folder / "models" / "customers.sql").write_text(tie)
    desk = new_desk(folder)
    said = desk.command("check")
    assert said.returncode == 0
    assert "comes out otherwise when customers.sql is run again (name), as do 7 more" in said.stdout
    found = json.loads(desk.command("check", "--json").stdout)[0]["problems"]
    assert [problem["external_id"] for problem in found] == [str(n) for n in range(1, 9)]


def test_what_a_model_no_longer_gives_is_left_alone(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop")
    shop.customer("A")
    shop.run("update customers set vat_number = 'FR1'")
    shop.contact("A", "a@a.io")
    shop.payment("P", "A", 100, {})
    shop.run("update payments set instrument = 'CARD'")
    desk = new_desk(shop.folder)
    desk.apply()
    for statement in (
        "alter table customers drop column vat_number",
        "alter table payments drop column instrument",
        "update customers set name = 'Another'",
        "update payments set ref_number = 'other'",
        "drop table contacts",
    ):
        shop.run(statement)
    _, outcome = desk.apply()
    assert (outcome.sent, outcome.rejected) == (2, 0)
    customer = desk.get("/customers/external:A")
    assert (customer["name"], customer["vatNumber"]) == ("Another", "FR1")
    assert [contact["email"] for contact in customer["contacts"]] == ["a@a.io"]
    assert desk.get("/payments/external:P")["instrument"] == "CARD"


def test_a_custom_value_that_can_not_be_read_keeps_the_one_before(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(
        tmp_path / "shop",
        more='create_missing_custom_fields = true\ncustom_field_types = { rank = "NUMBER" }',
    )
    shop.customer("A")
    shop.run("alter table customers add column custom_fields text")
    shop.run("""update customers set custom_fields = '{"rank": 7, "note": "x"}'""")
    desk = new_desk(shop.folder)
    desk.apply()

    def values() -> dict[str, object]:
        fields = desk.get("/customers/external:A")["customFields"]
        return {field["externalId"]: field["value"] for field in fields}

    assert values() == {"rank": 7, "note": "x"}
    for given, expected in (
        ('{"rank": "ten"}', {"rank": 7, "note": None}),
        ("{broken", {"rank": 7, "note": None}),
        ("{}", {"rank": None, "note": None}),
    ):
        shop.run("update customers set custom_fields = ?", given)
        _, outcome = desk.apply()
        assert outcome.rejected == 0
        assert values() == expected
