"""A round that reads and computes only what moved ends like one that does everything."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from desk import HubDesk
from shop import Shop

from headrace.book import building
from headrace.book.derivation import corrections, marking
from headrace.sync.session import Organisation

_TABLES = {
    "problems": "book.problems",
    "withheld": "book.withheld",
    "roots": "book.roots",
    "fingerprints": "book.fingerprints",
    "links": "book.links",
    "flaws": "(select allocation.*, flaw, problem from book.flawed_links as flawed "
    "join book.allocations as allocation on allocation.rowid = flawed.row)",
    "fixes": "book.fixes",
    "contacts": "book.travelling_contacts",
    "payments": "book.all_payments",
    "invoices": "book.invoices",
    "customers": "book.customers",
}
_NAMES = ("A", "B", "C", "D")
_OTHERS = (
    *("payments", "refunds", "credit_notes", "allocations"),
    *("contacts", "adjustments", "settlements"),
)


def state(organisation: Organisation) -> dict[str, Any]:
    """Everything that a round computes, in an order of its own."""
    connection = organisation.book.connection
    rows = {
        name: sorted(map(repr, connection.execute(f"from {table}").fetchall()))
        for name, table in _TABLES.items()
    }
    plan = organisation.with_changes(organisation.plan(), None)
    plan = msgspec.structs.replace(plan, id="", made_at="", latency=0.0)
    return rows | {"plan": msgspec.to_builtins(plan), "digest": organisation._planner.digest()}


def change(shop: Shop, chance: random.Random) -> None:
    """One random change of the source, sound or not."""
    name, number = chance.choice(_NAMES), chance.randrange(6)
    kind = chance.randrange(24)
    (_change_record if kind < 13 else _change_around)(shop, chance, kind, name, number)


def _change_record(shop: Shop, chance: random.Random, kind: int, name: str, number: int) -> None:
    one = f"{name}{number}"
    if kind == 0:
        shop.run("delete from customers where external_id = ?", name)
    elif kind == 1:
        shop.run("delete from customers where external_id = ?", name)
        shop.customer(name, chance.choice([None, None, *_NAMES]))
    elif kind == 2:
        shop.run("update customers set name = name || '+' where external_id = ?", name)
    elif kind in (3, 4):
        shop.run("delete from invoices where external_id = ?", one)
        paid = chance.choice([None, None, "2026-05-06"])
        shop.invoice(one, name, chance.choice([1000, 2000, -5]), paid=paid)
    elif kind == 5:
        shop.run("delete from invoices where external_id = ?", one)
    elif kind == 6:
        currency = chance.choice(["EUR", "USD", "XXQ"])
        shop.run("update invoices set currency = ? where external_id = ?", currency, one)
    elif kind in (7, 8):
        shop.run("delete from payments where external_id = ?", f"P{one}")
        shop.run(
            "insert into payments (external_id, customer_external_id, currency, amount, "
            "validated_at) values (?, ?, 'EUR', ?, '2026-05-07')",
            *(f"P{one}", name, chance.choice([500, 1000])),
        )
    elif kind == 9:
        shop.run("delete from payments where external_id = ?", f"P{one}")
    elif kind in (10, 11):
        shop.run(
            "insert into allocations values ('payment', ?, 'invoice', ?, ?)",
            *(f"P{one}", f"{chance.choice(_NAMES)}{number}", chance.choice([100, 500, 900])),
        )
    else:
        shop.run("delete from allocations where from_external_id = ?", f"P{one}")


def _change_around(shop: Shop, chance: random.Random, kind: int, name: str, number: int) -> None:
    one = f"{name}{number}"
    if kind == 13:
        shop.contact(name, chance.choice(["a@x.test", "b@x.test", "no address"]))
    elif kind == 14:
        shop.run("delete from contacts where customer_external_id = ?", name)
    elif kind == 15:  # of one family or not: whether they may pay for each other
        parent = chance.choice([None, "A", "A", "B"])
        shop.run("update customers set parent_external_id = ? where external_id = ?", parent, name)
    elif kind == 16:
        shop.run(
            "update allocations set amount = amount + 10 where from_external_id = ?", f"P{one}"
        )
    elif kind == 17:
        shop.run("delete from credit_notes where external_id = ?", f"C{one}")
        shop.run("delete from allocations where from_external_id = ?", f"C{one}")
        shop.credit_note(f"C{one}", name, chance.choice([300, 600]), {one: 300})
    elif kind == 18:
        shop.run("delete from refunds where external_id = ?", f"R{one}")
        shop.run("delete from allocations where from_external_id = ?", f"R{one}")
        shop.refund(f"R{one}", name, 100, chance.choice([{}, {f"P{one}": 100}]))
    elif kind == 19:
        shop.run("delete from settlements where external_id = ?", f"S{one}")
    elif kind == 20:
        shop.run("delete from settlements where external_id = ?", f"S{one}")
        shop.run(
            "insert into settlements values (?, ?, 'write_off', ?, '2026-05-09')",
            *(f"S{one}", one, chance.choice([100, 3000])),
        )
    elif kind == 21:
        paid = chance.choice([None, "2026-05-06"])
        shop.run("update invoices set marked_paid_at = ? where external_id = ?", paid, one)
    elif kind == 22:
        other = chance.choice(_NAMES)
        shop.run(
            "update payments set customer_external_id = ? where external_id = ?", other, f"P{one}"
        )
    else:
        shop.run("delete from adjustments where external_id = ?", f"J{one}")
        shop.run(
            "insert into adjustments values (?, ?, 'EUR', ?, '2026-05-08')",
            *(f"J{one}", name, chance.choice([-100, 100])),
        )


def walk(shop: Shop, desk: HubDesk, seed: int, steps: int) -> None:
    """Random changes and rounds: some changes have no round of their own, some rounds no change."""
    chance = random.Random(seed)
    for name in _NAMES:
        shop.customer(name)
        shop.invoice(f"{name}0", name, 1000)
    for table in _OTHERS:
        shop.run(f"delete from {table}")
    with desk.open() as organisation:
        for step in range(steps):
            for _ in range(chance.choice([0, 0, 1, 1, 1, 2, 5])):
                change(shop, chance)
            asyncio.run(organisation.prepare(whole=False))
            if chance.random() < 0.4:
                found = state(organisation)
                asyncio.run(organisation.prepare())
                whole = state(organisation)
                for name, rows in whole.items():
                    assert found[name] == rows, (seed, step, name)
            if chance.random() < 0.5:
                asyncio.run(organisation.apply(organisation.plan(), "run"))
                organisation.compare()


def few_are(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Set the number of records above which all of an entity are marked again."""
    monkeypatch.setattr(corrections, "_MANY", most)


class PostgresShop:
    """A shop in PostgreSQL, whose changed rows are known, with models that join and unite."""

    _TABLES = {
        "customers": "external_id text, name text, vat_number text, parent_external_id text",
        "contacts": "customer_external_id text, email text, external_id text, first_name text, "
        "is_main int",
        "invoices": "external_id text, customer_external_id text, custom_id text, "
        "issued_at date, due_date date, currency text, gross_amount int, net_amount int, "
        "name text, marked_paid_at date",
        "credit_notes": "external_id text, customer_external_id text, custom_id text, "
        "issued_at date, currency text, gross_amount int, net_amount int, name text",
        "payments": "external_id text, customer_external_id text, currency text, amount int, "
        "validated_at date",
        "refunds": "external_id text, customer_external_id text, currency text, amount int, "
        "validated_at date",
        "allocations": "from_entity text, from_external_id text, to_entity text, "
        "to_external_id text, amount int",
        "adjustments": "external_id text, customer_external_id text, currency text, amount int, "
        "booked_at date",
        "settlements": "external_id text, invoice_external_id text, kind text, amount int, "
        "booked_at date",
    }
    _MODELS = {
        "customers": "select * exclude (id) from customers",
        "contacts": "select * exclude (id) from contacts",
        "invoices": "select invoices.* exclude (id) replace (upper(customers.name) as name) "
        "from invoices left join customers on customers.external_id = customer_external_id",
        "payments": "select * exclude (id) from payments where amount > 500 union all "
        "select * exclude (id) from payments where amount <= 500",
        "credit_notes": "select * exclude (id) from credit_notes",
        "refunds": "select * exclude (id) from refunds",
        "allocations": "select allocations.* exclude (id) from allocations "
        "join payments on payments.external_id = from_external_id union all "
        "select * exclude (id) from allocations where from_entity <> 'payment'",
        "settlements": "select * exclude (id) from settlements",
        "adjustments": "with booked as (select * from adjustments) "
        "select * exclude (id) from booked where amount <> 0",
    }

    def __init__(self, folder: Path, url: str, more: str = "") -> None:
        self.folder = folder
        (folder / "models").mkdir(parents=True)
        (folder / "headrace.toml").write_text(_TOML.format(url=url) + more, encoding="utf-8")
        self._db = psycopg.connect(url, autocommit=True)
        for name, columns in self._TABLES.items():
            self._db.execute(f"drop table if exists {name}")
            self._db.execute(f"create table {name} (id serial primary key, {columns})")
            (folder / "models" / f"{name}.sql").write_text(self._MODELS[name], encoding="utf-8")

    def run(self, sql: str, *values: object) -> None:
        for name, begin in _INTO.items():
            sql = sql.replace(f"insert into {name} values", begin)
        self._db.execute(sql.replace("?", "%s"), values)

    customer, contact, invoice, credit_note = (
        Shop.customer,
        Shop.contact,
        Shop.invoice,
        Shop.credit_note,
    )
    payment, refund, allocate = Shop.payment, Shop.refund, Shop.allocate
    _money, _insert = Shop._money, Shop._insert

    def close(self) -> None:
        self._db.close()


_INTO = {
    "allocations": "insert into allocations (from_entity, from_external_id, to_entity, "
    "to_external_id, amount) values",
    "adjustments": "insert into adjustments (external_id, customer_external_id, currency, amount, "
    "booked_at) values",
    "settlements": "insert into settlements (external_id, invoice_external_id, kind, amount, "
    "booked_at) values",
}


def _settings(seed: int) -> str:
    """Some walks have parents that pay, some no kept payloads."""
    parents = 'family_payments = "parent"\n' if seed % 3 == 0 else ""
    return parents + ("keep_payloads = false\n" if seed % 4 == 1 else "")


_TOML = """\
[organisation.shop]
target = {{ url = "env:HEADRACE_URL", key = "env:HEADRACE_KEY", secret = "env:HEADRACE_SECRET", \
rate = 1000000 }}
source = {{ kind = "sql", url = "{url}" }}
"""


@pytest.fixture
def walked_in_postgres(
    tmp_path: Path, postgres_database: str, new_desk: Callable[[Path], HubDesk]
) -> Callable[[int, int], None]:
    def run(seed: int, steps: int) -> None:
        shop = PostgresShop(tmp_path / f"shop{seed}", postgres_database, _settings(seed))
        walk(shop, new_desk(shop.folder), seed, steps)  # type: ignore[arg-type]
        shop.close()

    return run


def test_rounds_of_changed_rows_equal_whole_rounds(
    walked_in_postgres: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced: list[str] = []
    replace = building.replace_changed

    def counted(connection: Any, model: Any, changed: Any) -> Any:
        spared = connection.execute("select current_setting('disabled_optimizers')").fetchall()
        assert "join_order" not in spared[0][0], "a model may join in any order"
        found = replace(connection, model, changed)
        replaced.extend([model.table.name] if found and found.ids else [])
        return found

    monkeypatch.setattr(building, "replace_changed", counted)
    walked_in_postgres(3, 12)
    assert len(set(replaced)) >= 3, "else nothing was tried"


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(200, 260))
def test_many_rounds_of_changed_rows_equal_whole_rounds(
    walked_in_postgres: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    few_are(monkeypatch, 1 if seed % 3 == 0 else 1_000)
    walked_in_postgres(seed, 40)


@pytest.fixture
def walked(tmp_path: Path, new_desk: Callable[[Path], HubDesk]) -> Callable[[int, int], None]:
    def run(seed: int, steps: int) -> None:
        shop = Shop(tmp_path / f"shop{seed}", more=_settings(seed))
        walk(shop, new_desk(shop.folder), seed, steps)
        shop.close()

    return run


def test_rounds_of_what_moved_equal_whole_rounds(walked: Callable[[int, int], None]) -> None:
    for seed in (1, 2):
        walked(seed, 8)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 160))
def test_many_rounds_of_what_moved_equal_whole_rounds(
    walked: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    few_are(monkeypatch, 1 if seed % 3 == 0 else 1_000)
    walked(seed, 40)


def siblings(folder: Path) -> Shop:
    """A shop of a family, P with A and B, where A pays an invoice of B."""
    shop = Shop(folder)
    shop.customer("P")
    for name in ("A", "B"):
        shop.customer(name, "P")
    shop.invoice("B0", "B", 1000)
    shop.payment("PA", "A", 500, {"B0": 500})
    return shop


def test_a_family_that_changes_makes_its_links_wrong_and_right_again(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = siblings(tmp_path / "shop")
    with new_desk(shop.folder).open() as organisation:
        for parent, flaws in (("P", 0), (None, 1), ("P", 0)):
            shop.run(
                "update customers set parent_external_id = ? where name = 'Customer B'", parent
            )
            moved = organisation.staged is not None  # the first round does everything anyway
            asyncio.run(organisation.prepare(whole=False))
            found = state(organisation)
            assert len(found["flaws"]) == flaws
            if moved:
                asyncio.run(organisation.prepare())
                assert found == state(organisation)
    shop.close()


def test_links_of_families_that_planning_had_parted_are_judged_again(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    """A new head in error parts its family for the API; then the source parts it as well."""
    shop = siblings(tmp_path / "shop")
    shop.run("update customers set name = null where external_id = 'P'")
    with new_desk(shop.folder).open() as organisation:
        asyncio.run(organisation.prepare(whole=False))
        assert not state(organisation)["flaws"]
        shop.run("update customers set parent_external_id = null")
        shop.run("update customers set name = 'P' where external_id = 'P'")
        asyncio.run(organisation.prepare(whole=False))
        found = state(organisation)
        asyncio.run(organisation.prepare())
        assert found == state(organisation)
        assert len(found["flaws"]) == 1
    shop.close()


def test_links_that_change_alone_are_sent_however_many(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path / "shop")
    shop.customer("A")
    for number in range(3):
        shop.invoice(f"I{number}", "A", 1000)
        shop.payment(f"P{number}", "A", 500, {f"I{number}": 400})
    with new_desk(shop.folder).open() as organisation:
        asyncio.run(organisation.prepare())
        asyncio.run(organisation.apply(organisation.plan(), "run"))
        asyncio.run(organisation.prepare(whole=False))
        for many in (1_000, 1):  # settlements above which all of them are marked again
            few_are(monkeypatch, many)
            shop.run("update allocations set amount = amount + 10")
            asyncio.run(organisation.prepare(whole=False))
            found = state(organisation)
            assert found["plan"]["requests"] == 3
            asyncio.run(organisation.prepare())
            assert found == state(organisation)
            asyncio.run(organisation.apply(organisation.plan(), "run"))
            organisation.compare()
    shop.close()


def test_a_round_marks_few_records_although_others_are_in_error(
    tmp_path: Path,
    postgres_database: str,
    new_desk: Callable[[Path], HubDesk],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marked: list[tuple[str, set[str] | None]] = []
    again = marking._again

    def noted(query: str, entity: str, ids: set[str] | None) -> str:
        marked.append((entity, ids))
        return again(query, entity, ids)

    monkeypatch.setattr(marking, "_again", noted)
    shop = PostgresShop(tmp_path / "shop", postgres_database, "")
    for name, parent in (("P", None), ("A", "P"), ("B", "P"), ("C", None), ("D", None)):
        shop.customer(name, parent)
        shop.invoice(f"{name}1", name, 1000)
        shop.payment(f"{name}2", name, 600, {f"{name}1": 600})
    with new_desk(shop.folder).open() as organisation:
        asyncio.run(organisation.prepare())
        asyncio.run(organisation.apply(organisation.plan(), "run"))
        shop.run("update invoices set currency = 'XXQ' where external_id = 'A1'")
        shop.run("update invoices set gross_amount = 1 where external_id = 'B1'")
        shop.run("update customers set parent_external_id = 'nobody' where external_id = 'C'")
        for _ in range(2):
            asyncio.run(organisation.prepare(whole=False))
            asyncio.run(organisation.apply(organisation.plan(), "run"))
        assert len(organisation.plan().withheld) >= 4
        del marked[:]
        shop.run("update customers set vat_number = 'FR1' where external_id = 'D'")
        asyncio.run(organisation.prepare(whole=False))
        assert organisation.plan().requests == 1
    shop.close()
    assert marked == [("customer", {"D"}), ("contact", {"D"})]
