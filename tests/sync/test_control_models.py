"""What the source's own books say, beside the models and the API: three columns of a proof."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from pair import Pair
from rewound import Rewound, filled
from shop import Shop

from headrace.sync.remote.proof import Difference, Reconciled
from headrace.testkit.hub import RunningHub


def _owing(shop: Shop) -> None:
    """Two customers who owe EUR 100.00 and 50.00."""
    shop.customer("A")
    shop.invoice("I1", "A", 7000)
    shop.invoice("I2", "A", 3000)
    shop.customer("B")
    shop.invoice("I3", "B", 5000)


@pytest.fixture(scope="module")
def in_step(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Rewound:
    return filled(tmp_path_factory.mktemp("owing"), open_hub, "owing", _owing)


@pytest.fixture
def books(in_step: Rewound, tmp_path: Path) -> Iterator[Pair]:
    with in_step.pair(tmp_path / "shop") as pair:
        yield pair


@pytest.fixture(scope="module")
def arrived(shared_pair: Pair) -> Pair:
    _owing(shared_pair.shop)
    shared_pair.desk.apply()
    return shared_pair


@pytest.fixture
def same_books(arrived: Pair) -> Pair:
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


def only(proof: Reconciled) -> Difference:
    (difference,) = proof.differences
    assert not proof.balanced
    return difference


def test_without_control_the_proof_says_what_it_proves_and_names_no_source(
    same_books: Pair,
) -> None:
    done = same_books.desk.command("reconcile")
    assert done.returncode == 0
    assert "this proves that the API holds what the models say" in done.stdout
    assert "source" not in done.stdout and "models" in done.stdout.splitlines()[2]
    (found,) = msgspec.json.decode(same_books.desk.command("reconcile", "--json").stdout)
    (total,) = found["proof"]["totals"]
    assert (total["models"], total["api"], total["control"]) == (15000, 15000, None)
    assert {row["side"] for row in found["proof"]["ageing"]} == {"models", "API"}


def test_three_equal_columns_are_balanced(same_books: Pair) -> None:
    give_control(same_books, {"A": 10000, "B": 5000})
    give_totals(same_books, {"EUR": 15000})
    done = same_books.desk.command("reconcile")
    assert done.returncode == 0, done.stdout
    assert "the source's own figures, the models' and the API's are the same" in done.stdout
    assert done.stdout.splitlines()[2].split() == [
        *("customers", "source's", "own", "models", "API")
    ]
    assert done.stdout.count("EUR 150.00") == 3


def test_a_ledger_that_differs_names_the_pair_and_the_document(same_books: Pair) -> None:
    give_control(same_books, {"A": 7000, "B": 5000})
    difference = only(same_books.desk.reconcile())
    assert difference.customer == "A" and difference.name == "Customer A"
    assert (difference.control, difference.book, difference.api) == (7000, 10000, 10000)
    assert difference.pairs == ["control and models", "control and API"]
    assert [(one.external_id, one.number, one.open) for one in difference.open] == [
        ("I2", "No I2", 3000)
    ]
    done = same_books.desk.command("reconcile")
    assert done.returncode == 9
    assert (
        "customer A (Customer A): source's own EUR 70.00, models EUR 100.00, API EUR 100.00; "
        "source's own ≠ models, source's own ≠ API" in done.stdout
    )
    assert "invoice I2 (No I2): EUR 30.00, open in the models: the whole difference" in done.stdout


def test_a_wrong_model_that_the_api_was_told_is_found(books: Pair, tmp_path: Path) -> None:
    books.shop.run("update invoices set gross_amount = 500000 where external_id = 'I3'")
    books.desk.apply()
    assert books.desk.reconcile().balanced
    give_control(books, {"A": 10000, "B": 5000})
    files = tmp_path / "proof.html", tmp_path / "proof.csv"
    done = books.desk.command("reconcile", "--html", str(files[0]), "--csv", str(files[1]))
    assert done.returncode == 9
    page = files[0].read_text()
    assert "source&#39;s own ≠ models" in page and "I3 (No I3)" in page and "B (Customer B)" in page
    (row,) = csv.DictReader(files[1].open())
    assert (row["customer_name"], row["number"]) == ("Customer B", "No I3")
    assert (row["control"], row["models"], row["api"]) == ("50.00", "5000.00", "5000.00")


def test_each_pair_of_sides_is_told_apart(books: Pair) -> None:
    give_control(books, {"A": 10000, "B": 5000})
    books.desk.request("DELETE", "/invoices/external:I3")
    difference = only(books.desk.reconcile())
    assert difference.pairs == ["control and API", "models and API"]
    assert [one.reason for one in difference.documents] == [
        "not in the API: it was, and is gone: run `headrace drift --repair` to send it again"
    ]
    assert difference.open == []


def test_what_is_settled_in_the_models_alone_explains_a_difference(books: Pair) -> None:
    books.shop.run("update invoices set marked_paid_at = '2026-05-05' where external_id = 'I1'")
    books.desk.apply()
    give_control(books, {"A": 10000, "B": 5000})
    difference = only(books.desk.reconcile())
    (one,) = [one for one in difference.open if one.entity == "invoice"]
    assert (one.external_id, one.open) == ("I1", 0)
    assert one.reason == "settled in the models: its amount is the whole difference"


def test_a_turned_sign_is_suspected(books: Pair) -> None:
    books.shop.payment("P", "B", 200)
    books.desk.apply()
    give_control(books, {"A": 10000, "B": 5200})
    (one,) = only(books.desk.reconcile()).open
    assert one.external_id == "P" and "its sign may be wrong" in one.reason


def test_what_nothing_explains_lists_all_that_is_open_to_be_ticked_off(same_books: Pair) -> None:
    give_control(same_books, {"A": 9999, "B": 5000})
    opened = only(same_books.desk.reconcile()).open
    assert [(one.external_id, one.reason) for one in opened] == [
        ("I1", "open in the models"),
        ("I2", "open in the models"),
    ]


def test_customers_that_only_one_side_knows_differ(same_books: Pair) -> None:
    give_control(same_books, {"A": 10000, "GONE": 1200})
    found = {one.customer: one for one in same_books.desk.reconcile().differences}
    assert (found["GONE"].control, found["GONE"].book) == (1200, 0)
    assert (found["B"].control, found["B"].book) == (0, 5000)
    assert set(found) == {"GONE", "B"}


def test_rows_of_several_accounts_add_up(same_books: Pair) -> None:
    give_control(same_books, {"A": 4000, "B": 5000})
    same_books.shop.run("insert into control values ('A', 'EUR', 6000)")
    assert same_books.desk.reconcile().balanced


def test_a_trial_balance_alone_is_compared_per_currency(same_books: Pair) -> None:
    give_totals(same_books, {"EUR": 12000, "USD": 100})
    proof = same_books.desk.reconcile()
    assert not proof.balanced and proof.differences == []
    eur, usd = proof.totals
    assert (eur.control, eur.book, eur.api, eur.sides) == (
        *(12000, 15000, 15000),
        ["control and models", "control and API"],
    )
    assert [(one.external_id, one.customer) for one in eur.documents] == [("I2", "A")]
    assert (usd.control, usd.book) == (100, 0)
    done = same_books.desk.command("reconcile")
    assert done.returncode == 9
    assert "invoice I2 (No I2) of customer A (Customer A): EUR 30.00" in done.stdout


def test_a_ledger_that_does_not_add_up_to_its_trial_balance_is_told(same_books: Pair) -> None:
    give_control(same_books, {"A": 10000, "B": 5000})
    give_totals(same_books, {"EUR": 15001})
    done = same_books.desk.command("reconcile")
    assert done.returncode == 9
    assert "control adds up to EUR 150.00, control_totals says EUR 150.01" in done.stdout


def test_a_row_that_cannot_be_read_is_a_problem_and_no_zero(same_books: Pair) -> None:
    give_control(same_books, {"A": "100,00", "B": 5000})
    checked = same_books.desk.command("check")
    assert checked.returncode == 3
    assert "control A has balance '100,00'" in checked.stdout
    proof = same_books.desk.reconcile()
    assert proof.unread == 1 and not proof.balanced and proof.differences == []
    assert "1 row of control can't be read" in same_books.desk.command("reconcile").stdout


def test_nothing_is_sent_for_control(books: Pair) -> None:
    before = len(books.desk.writes())
    give_control(books, {"A": 1, "NOBODY": 2})
    give_totals(books, {"EUR": 3})
    plan, _ = books.desk.apply()
    assert plan.empty and plan.withheld == [] and len(books.desk.writes()) == before


def test_a_payment_booked_at_the_head_of_its_family_counts_for_its_own_customer(
    pair: Pair,
) -> None:
    shop = pair.shop
    text = (shop.folder / "headrace.toml").read_text()
    (shop.folder / "headrace.toml").write_text(text + 'family_payments = "parent"\n')
    shop.customer("H")
    shop.customer("S1", parent="H")
    shop.customer("S2", parent="H")
    shop.invoice("I", "S2", 1000)
    shop.payment("P", "S1", 1500, {"I": 1000})
    pair.desk.apply()
    give_control(pair, {"S1": -500})
    assert pair.desk.reconcile().balanced
