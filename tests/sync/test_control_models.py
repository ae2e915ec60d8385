"""What the source's own books say, beside the models and the API: three columns of a proof."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import pytest
from desk import HubDesk, shown
from pair import Pair
from shop import Shop

from headrace.cli.show.reconciled import show_reconciled
from headrace.sync.remote.proof import Difference, Reconciled
from headrace.testkit.hub import RunningHub


def _owing(shop: Shop, customer: str, *amounts: int) -> None:
    """A customer with invoices: A with A1, A2 and so on."""
    shop.customer(customer)
    for number, amount in enumerate(amounts, 1):
        shop.invoice(f"{customer}{number}", customer, amount)


@pytest.fixture(scope="module")
def arrived(shared_pair: Pair) -> Pair:
    """Two customers who owe EUR 100.00 and 50.00."""
    _owing(shared_pair.shop, "A", 7000, 3000)
    _owing(shared_pair.shop, "B", 5000)
    shared_pair.desk.apply()
    return shared_pair


@pytest.fixture
def books(arrived: Pair) -> Pair:
    """For tests that only give control: the tables of the test before are gone."""
    for table in ("control", "control_totals"):
        arrived.shop.run(f"drop table if exists {table}")
    return arrived


def give_control(pair: Pair, balances: Mapping[str, int | str | None]) -> None:
    pair.shop.run("create table if not exists control (customer_external_id, currency, balance)")
    pair.shop.run("delete from control")
    for customer, balance in balances.items():
        pair.shop.run("insert into control values (?, 'EUR', ?)", customer, balance)


def give_totals(pair: Pair, balances: Mapping[str, int]) -> None:
    pair.shop.run("create table if not exists control_totals (currency, balance)")
    pair.shop.run("delete from control_totals")
    for currency, balance in balances.items():
        pair.shop.run("insert into control_totals values (?, ?)", currency, balance)


class Proved(NamedTuple):
    """A proof in all ways in which the command gives it."""

    proof: Reconciled
    document: dict[str, Any]
    text: str
    page: str
    rows: list[dict[str, str]]

    def only(self, customer: str) -> Difference:
        """The only difference of the customer."""
        (difference,) = [one for one in self.proof.differences if one.customer == customer]
        return difference


def prove(desk: HubDesk, code: int) -> Proved:
    """The command with all that it writes, and what it would say of the same proof."""
    page, rows = (desk.folder / f"proof.{kind}" for kind in ("html", "csv"))
    done = desk.command("reconcile", "--json", "--html", str(page), "--csv", str(rows))
    assert done.returncode == code, done
    (found,) = msgspec.json.decode(done.stdout)
    proof = msgspec.convert(found["proof"], Reconciled)
    assert found["balanced"] == proof.balanced == (code == 0)
    lines = list(csv.DictReader(rows.read_text().splitlines()))
    text = shown(show_reconciled, proof)
    return Proved(proof, found["proof"], text, page.read_text(), lines)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Iterator[Pair]:
    """Customers with an error of their own each, of all of which the API was told."""
    folder = tmp_path_factory.mktemp("world") / "shop"
    shop = Shop(folder, more='family_payments = "parent"')
    for name in ("LEDGER", "SETTLED", "UNEXPLAINED", "SEVERAL"):
        _owing(shop, name, 7000, 3000)
    for name in ("EQUAL", "LOST", "SIGN", "OURS"):
        _owing(shop, name, 5000)
    _owing(shop, "MODEL", 500000)
    shop.run("update invoices set marked_paid_at = '2026-05-05' where external_id = 'SETTLED1'")
    shop.payment("P", "SIGN", 200)
    shop.customer("HEAD")
    shop.customer("PAYER", parent="HEAD")
    _owing(shop, "OWER", 1000)
    shop.run("update customers set parent_external_id = 'HEAD' where external_id = 'OWER'")
    shop.payment("Q", "PAYER", 1500, {"OWER1": 1000})
    desk = HubDesk(folder, open_hub, "control-world")
    desk.apply()
    yield Pair(shop, desk)
    shop.close()


@pytest.fixture(scope="module")
def without(world: Pair) -> Proved:
    """What was proved before there was control."""
    return prove(world.desk, 0)


@pytest.fixture(scope="module")
def proved(world: Pair, without: Proved) -> Proved:
    """What is proved with control, in which none has the errors."""
    assert without.proof.balanced
    control = {"EQUAL": 5000, "LEDGER": 7000, "SETTLED": 10000, "UNEXPLAINED": 9999}
    control |= {"SEVERAL": 4000, "LOST": 5000, "SIGN": 5200, "MODEL": 5000, "THEIRS": 1200}
    control |= {"PAYER": -500}
    give_control(world, control)
    world.shop.run("insert into control values ('SEVERAL', 'EUR', 6000)")
    world.desk.request("DELETE", "/invoices/external:LOST1")
    return prove(world.desk, 9)


def test_without_control_the_proof_says_what_it_proves_and_names_no_source(
    without: Proved,
) -> None:
    assert "this proves that the API holds what the models say" in without.text
    assert "source" not in without.text and "models" in without.text.splitlines()[2]
    (total,) = without.document["totals"]
    owed = 4 * 10000 - 7000 + 4 * 5000 - 200 + 500000 + 1000 - 1500
    assert (total["models"], total["api"], total["control"]) == (owed, owed, None)
    assert {row["side"] for row in without.document["ageing"]} == {"models", "API"}


def test_three_equal_columns_are_balanced(books: Pair) -> None:
    give_control(books, {"A": 10000, "B": 5000})
    give_totals(books, {"EUR": 15000})
    done = books.desk.command("reconcile")
    assert done.returncode == 0, done.stdout
    assert "the source's own figures, the models' and the API's are the same" in done.stdout
    assert done.stdout.splitlines()[2].split() == [
        *("customers", "source's", "own", "models", "API")
    ]
    assert done.stdout.count("EUR 150.00") == 3


def differing(proved: Proved) -> set[str]:
    return {one.customer for one in proved.proof.differences}


def test_what_agrees_is_no_difference(proved: Proved) -> None:
    assert sorted(one.customer for one in proved.proof.differences) == sorted(
        ["LEDGER", "SETTLED", "UNEXPLAINED", "LOST", "SIGN", "MODEL", "OURS", "THEIRS"]
    )
    assert proved.proof.statements == [] and proved.proof.unread == 0


def test_rows_of_several_accounts_add_up(proved: Proved) -> None:
    assert "SEVERAL" not in differing(proved)


def test_a_payment_booked_at_the_head_of_its_family_counts_for_its_own_customer(
    proved: Proved,
) -> None:
    assert not {"HEAD", "PAYER", "OWER"} & differing(proved)


def test_a_ledger_that_differs_names_the_pair_and_the_document(proved: Proved) -> None:
    difference = proved.only("LEDGER")
    assert difference.name == "Customer LEDGER"
    assert (difference.control, difference.book, difference.api) == (7000, 10000, 10000)
    assert difference.pairs == ["control and models", "control and API"]
    assert [(one.external_id, one.number, one.open) for one in difference.open] == [
        ("LEDGER2", "No LEDGER2", 3000)
    ]
    assert (
        "customer LEDGER (Customer LEDGER): source's own EUR 70.00, models EUR 100.00, "
        "API EUR 100.00; source's own ≠ models, source's own ≠ API" in proved.text
    )
    assert (
        "invoice LEDGER2 (No LEDGER2): EUR 30.00, open in the models: the whole difference"
        in proved.text
    )


def test_a_wrong_model_that_the_api_was_told_is_found(without: Proved, proved: Proved) -> None:
    assert without.proof.balanced
    page = proved.page
    assert "source&#39;s own ≠ models" in page and "MODEL1 (No MODEL1)" in page
    assert "MODEL (Customer MODEL)" in page
    (row,) = [row for row in proved.rows if row["customer_name"] == "Customer MODEL"]
    assert row["number"] == "No MODEL1"
    assert (row["control"], row["models"], row["api"]) == ("50.00", "5000.00", "5000.00")


def test_each_pair_of_sides_is_told_apart(proved: Proved) -> None:
    difference = proved.only("LOST")
    assert difference.pairs == ["control and API", "models and API"]
    assert [one.reason for one in difference.documents] == [
        "not in the API: it was, and is gone: run `headrace drift --repair` to send it again"
    ]
    assert difference.open == []


def test_what_is_settled_in_the_models_alone_explains_a_difference(proved: Proved) -> None:
    (one,) = [one for one in proved.only("SETTLED").open if one.entity == "invoice"]
    assert (one.external_id, one.open) == ("SETTLED1", 0)
    assert one.reason == "settled in the models: its amount is the whole difference"


def test_a_turned_sign_is_suspected(proved: Proved) -> None:
    (one,) = proved.only("SIGN").open
    assert one.external_id == "P" and "its sign may be wrong" in one.reason


def test_what_nothing_explains_lists_all_that_is_open_to_be_ticked_off(proved: Proved) -> None:
    opened = proved.only("UNEXPLAINED").open
    assert [(one.external_id, one.reason) for one in opened] == [
        ("UNEXPLAINED1", "open in the models"),
        ("UNEXPLAINED2", "open in the models"),
    ]


def test_customers_that_only_one_side_knows_differ(proved: Proved) -> None:
    theirs, ours = proved.only("THEIRS"), proved.only("OURS")
    assert (theirs.control, theirs.book) == (1200, 0)
    assert (ours.control, ours.book) == (0, 5000)


def test_a_trial_balance_alone_is_compared_per_currency(books: Pair) -> None:
    give_totals(books, {"EUR": 12000, "USD": 100})
    proved = prove(books.desk, 9)
    assert proved.proof.differences == []
    eur, usd = proved.proof.totals
    assert (eur.control, eur.book, eur.api, eur.sides) == (
        *(12000, 15000, 15000),
        ["control and models", "control and API"],
    )
    assert [(one.external_id, one.customer) for one in eur.documents] == [("A2", "A")]
    assert (usd.control, usd.book) == (100, 0)
    assert "invoice A2 (No A2) of customer A (Customer A): EUR 30.00" in proved.text


def test_a_ledger_that_does_not_add_up_to_its_trial_balance_is_told(books: Pair) -> None:
    give_control(books, {"A": 10000, "B": 5000})
    give_totals(books, {"EUR": 15001})
    done = books.desk.command("reconcile")
    assert done.returncode == 9
    assert "control adds up to EUR 150.00, control_totals says EUR 150.01" in done.stdout


def test_a_row_that_cannot_be_read_is_a_problem_and_no_zero(books: Pair) -> None:
    give_control(books, {"A": "100,00", "B": 5000})
    checked = books.desk.command("check")
    assert checked.returncode == 3
    assert "control A has balance '100,00'" in checked.stdout
    proof = books.desk.reconcile()
    assert proof.unread == 1 and not proof.balanced and proof.differences == []
    assert "1 row of control can't be read" in shown(show_reconciled, proof)


def test_nothing_is_sent_for_control(books: Pair) -> None:
    before = len(books.desk.writes())
    give_control(books, {"A": 1, "NOBODY": 2})
    give_totals(books, {"EUR": 3})
    plan, _ = books.desk.apply()
    assert plan.empty and plan.withheld == [] and len(books.desk.writes()) == before
