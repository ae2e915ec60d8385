"""A journal in PostgreSQL: two machines take turns at one organisation."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from desk import Desk, HubDesk, prove_in_step, sent
from shop import Shop

from headrace.model.errors import Busy, ConfigurationError
from headrace.sync.journal import PostgresPlace
from headrace.testkit.hub import hub


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path / "shop")
    toml = shop.folder / "headrace.toml"
    toml.write_text('journal = "env:JOURNAL_URL"\n' + toml.read_text("utf-8"), "utf-8")
    for name in ("A", "B"):
        shop.customer(name)
        shop.invoice(f"I{name}", name, 100)
        shop.payment(f"P{name}", name, 60, {f"I{name}": 60})
    return shop


def test_two_machines_deliver_in_turns_and_nothing_twice(
    shop: Shop, tmp_path: Path, new_desk: Callable[[Path], HubDesk], postgres_database: str
) -> None:
    desk = new_desk(shop.folder)
    desk.environment["JOURNAL_URL"] = postgres_database
    shutil.copytree(shop.folder, tmp_path / "elsewhere")
    other = Desk(tmp_path / "elsewhere", "", "", "")
    other.environment.update(desk.environment)
    with desk.open(), pytest.raises(Busy, match=r"shop \(headrace on"), other.open():
        pass
    desk.apply()
    assert not (shop.folder / ".headrace" / "shop" / "journal.db").exists()
    assert other.plan().empty
    shop.run("update invoices set gross_amount = 110, net_amount = 110 where external_id = 'IA'")
    shop.run("delete from allocations where from_external_id = 'PB'")
    shop.run("delete from payments where external_id = 'PB'")
    shutil.copy(shop.folder / "shop.db", other.folder / "shop.db")
    before = len(desk.writes())
    other.apply()
    assert sent(desk.writes(before)) == {("invoice", "IA"): 1, ("payment", "PB"): 1}
    prove_in_step(desk)
    (report,) = msgspec.json.decode(other.command("status", "--json").stdout)
    assert report["records"] == {"customer": 2, "invoice": 2, "payment": 1}
    assert [run["sent"] for run in report["runs"]] == [2, 6]
    shop.close()


def test_each_target_has_a_journal_of_its_own_in_one_database(
    shop: Shop, new_desk: Callable[[Path], HubDesk], postgres_database: str
) -> None:
    toml = shop.folder / "headrace.toml"
    toml.write_text('data = ".headrace/{target}"\n' + toml.read_text("utf-8"), "utf-8")
    staging = new_desk(shop.folder)
    staging.environment["JOURNAL_URL"] = postgres_database
    staging.apply()
    with hub(limits="off") as production:
        live = HubDesk(shop.folder, production, "live")
        live.environment["JOURNAL_URL"] = postgres_database
        # Neither keeps the other waiting.
        with staging.open():
            done = live.command("apply")
        assert done.returncode == 0, done.stderr
        assert live.get("/customers")["total"] == 2
        prove_in_step(live)
    shop.run("update invoices set gross_amount = 110, net_amount = 110 where external_id = 'IA'")
    before = len(staging.writes())
    staging.apply()
    assert sent(staging.writes(before)) == {("invoice", "IA"): 1}
    prove_in_step(staging)
    shop.close()


def test_schemas_of_targets_are_apart_and_fit_their_names() -> None:
    def schema(organisation: str, target: str = "") -> str:
        return PostgresPlace("postgresql://x", organisation, target).schema

    assert schema("acme") == "headrace_acme"
    assert schema("acme", "api.upflow.io") == "headrace_acme@api.upflow.io"
    long = [schema("a" * 40, f"{'host' * 20}.{n}.test") for n in range(2)]
    assert long[0] != long[1] and all(len(name) <= 63 for name in long)


def test_a_journal_that_is_no_database_is_refused(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    for url, said in (("mysql://x", "must be a postgresql:// URL"), ("", "JOURNAL_URL, which")):
        desk.environment["JOURNAL_URL"] = url
        with pytest.raises(ConfigurationError, match=said), desk.open():
            pass
    shop.close()
