"""Small books with one odd thing each, into a real hub, until both agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import prove_in_step, sent
from pair import Pair, told
from rewound import Rewound, filled
from together import Case, Story, Together

from headrace.model.errors import UnsafePlan
from headrace.testkit.hub import RunningHub

together = Together()


def test_an_organisation_without_records(pair: Pair) -> None:
    assert pair.sync() == []


def test_every_request_is_remembered_for_the_minute_that_it_counts(pair: Pair) -> None:
    """Reading ones too: what comes next must not go over the rate because of them."""
    pair.shop.customer("C")
    pair.sync()
    with pair.desk.open() as organisation:
        assert len(organisation.journal.recent_answers(60.0)) == len(pair.desk.log()) > 1


@pytest.mark.soak
def test_one_customer_with_700_documents_beside_100_with_one(pair: Pair) -> None:
    pair.shop.run("begin")
    pair.shop.customer("giant")
    for n in range(700):
        pair.shop.invoice(f"G{n}", "giant", 100 + n, day=f"2020-01-{n % 28 + 1:02d}")
    for n in range(100):
        pair.shop.customer(f"C{n}")
        pair.shop.invoice(f"I{n}", f"C{n}", 1000)
    pair.shop.run("commit")
    writes = pair.sync()
    assert len(writes) == 701 + 200
    # The long lane starts first, and the others pass beside it.
    first = [record.customer for record in writes[:20]]
    assert "giant" in first and len(set(first)) > 5
    last_other = max(n for n, record in enumerate(writes) if record.customer != "giant")
    assert last_other < len(writes) * 0.6


@together
def test_a_parent_pays_for_its_child_and_the_child_for_its_parent(case: Case) -> Story:
    shop = case.shop
    # The names make the child's lane the earlier one, and its documents the older ones.
    shop.customer("z-parent")
    shop.customer("a-child", "z-parent")
    shop.customer("b-grandchild", "a-child")
    for customer in ("z-parent", "a-child", "b-grandchild"):
        shop.invoice(f"I-{customer}", customer, 1000)
    shop.payment("P-down", "z-parent", 1500, {"I-a-child": 1000, "I-b-grandchild": 400})
    shop.payment("P-up", "a-child", 900, {"I-z-parent": 900})
    shop.refund("R", "z-parent", 100, {"P-down": 100})
    writes = (yield).agreed()
    order = [str(record.external_id) for record in writes]
    assert order[0] == "z-parent"
    assert {record.status for record in writes} == {201}
    assert order.index("P-down") > max(order.index("I-a-child"), order.index("I-b-grandchild"))
    assert order.index("P-up") > order.index("I-z-parent")
    assert order.index("R") > order.index("P-down")


@together
def test_a_ticked_off_invoice_gets_a_payment_that_makes_way_for_the_real_one(case: Case) -> Story:
    shop = case.shop
    shop.customer("C")
    shop.invoice("I", "C", 1000, paid="2026-06-01")
    assert (yield).sent() == ["POST C 201", "POST I 201", "POST fix:I 201"]
    shop.payment("P", "C", 1000, {"I": 1000})
    assert (yield).sent() == ["DELETE fix:I 204", "POST P 201"]
    # Part of it bounces: the synthetic one covers the rest.
    shop.run("update allocations set amount = 700")
    assert (yield).sent() == ["POST P 200", "POST fix:I 201"]
    shop.run("update invoices set marked_paid_at = null")
    assert (yield).sent() == ["DELETE fix:I 204"]


@together
def test_an_adjustment_that_changes_its_sign(case: Case) -> Story:
    case.shop.customer("C")
    case.shop.adjustment("A", "C", 500)
    assert [record.entity for record in (yield).agreed()] == ["customer", "refund"]
    case.shop.run("update adjustments set amount = -500")
    assert sorted((r.method, r.entity) for r in (yield).agreed()) == [
        ("DELETE", "refund"),
        ("POST", "payment"),
    ]


@together.each(("A", "B"), ("B", "A"))
def test_a_payment_moves_and_another_takes_its_place(case: Case, moving: str, new: str) -> Story:
    shop = case.shop
    shop.customer("C")
    for n in (1, 2):
        shop.invoice(f"I{n}", "C", 1000, day=f"2026-0{n}-01")
    shop.payment(moving, "C", 1000, {"I1": 1000})
    (yield).agreed()
    shop.run("update allocations set to_external_id = 'I2'")
    shop.payment(new, "C", 1000, {"I1": 1000})
    # At most the one that came too early goes twice.
    assert len((yield).agreed()) <= 3


@together.each(("I1",), ("I2",))
def test_two_payments_change_places(case: Case, where: str) -> Story:
    """Neither can go first: one gives back what it has, and then both go."""
    shop = case.shop
    shop.customer("C")
    for n in (1, 2):
        shop.invoice(f"I{n}", "C", 1000, day=f"2026-0{n}-01")
        shop.payment(f"P{n}", "C", 1000, {f"I{n}": 1000})
    shop.invoice("I3", "C", 1000, day="2026-03-01")
    (yield).agreed()
    shop.run(
        "update allocations set to_external_id = case to_external_id when 'I1' then 'I2' "
        f"else '{'I1' if where == 'I1' else 'I3'}' end"
    )
    (yield).agreed()


@together
def test_an_invoice_and_its_payment_both_shrink_and_both_grow(case: Case) -> Story:
    shop = case.shop
    shop.customer("C")
    shop.invoice("I", "C", 1000)
    shop.payment("P", "C", 1000, {"I": 1000})
    (yield).agreed()
    for amount in (600, 1400):
        shop.run("update invoices set gross_amount = ?, net_amount = ?", amount, amount)
        shop.run("update payments set amount = ?", amount)
        shop.run("update allocations set amount = ?", amount)
        assert {record.external_id for record in (yield).agreed()} == {"I", "P"}


@together
def test_an_invoice_moves_to_another_customer_with_its_payment(case: Case) -> Story:
    shop = case.shop
    shop.customer("C")
    shop.customer("D")
    shop.invoice("I", "C", 1000)
    shop.payment("P", "C", 1000, {"I": 1000})
    (yield).agreed()
    shop.run("update invoices set customer_external_id = 'D'")
    shop.run("update payments set customer_external_id = 'D'")
    (yield).agreed()


@together
def test_what_goes_in_the_source_goes_in_the_hub_in_reverse(case: Case) -> Story:
    shop = case.shop
    for name in ("C", "D"):
        shop.customer(name)
        shop.invoice(f"I-{name}", name, 1000)
        shop.payment(f"P-{name}", name, 1200, {f"I-{name}": 1000})
        shop.refund(f"R-{name}", name, 200, {f"P-{name}": 200})
    (yield).agreed()
    shop.drop("refunds", "R-C")
    shop.drop("payments", "P-C")
    assert (yield).sent() == ["DELETE R-C 204", "DELETE P-C 204"]
    for table, name in (
        ("refunds", "R-D"),
        ("payments", "P-D"),
        ("invoices", "I-D"),
        ("customers", "D"),
    ):
        shop.drop(table, name)
    assert (yield).sent() == [f"DELETE {name} 204" for name in ("R-D", "P-D", "I-D", "D")]


@together
def test_a_parent_and_its_children_go_together(case: Case) -> Story:
    shop = case.shop
    shop.customer("parent")
    for n in range(3):
        shop.customer(f"child {n}", "parent")
    shop.customer("other")
    (yield).agreed()
    shop.run("delete from customers where external_id <> 'other'")
    (yield).agreed()


@together
def test_a_child_becomes_a_parent_and_the_parent_its_child(case: Case) -> Story:
    shop = case.shop
    shop.customer("A")
    shop.customer("B", "A")
    (yield).agreed()
    shop.run("update customers set parent_external_id = null where external_id = 'B'")
    shop.run("update customers set parent_external_id = 'B' where external_id = 'A'")
    (yield).agreed()


@together
def test_a_field_that_is_emptied_is_emptied(case: Case) -> Story:
    shop = case.shop
    shop.customer("C")
    shop.invoice("I", "C", 1000)
    shop.run("update invoices set name = 'Consulting'")
    shop.run("update customers set vat_number = 'FR00'")
    (yield).agreed()
    shop.run("update invoices set name = null")
    shop.run("update customers set vat_number = null")
    assert sorted(str(record.external_id) for record in (yield).agreed()) == ["C", "I"]


ODD_NAMES = (
    "a b",
    "a/b",
    "a%2Fb",
    "100%",
    "Ünïcødé 请求",
    "x" * 200,
    'it\'s "quoted"',
    "a?b#c&d=e+f",
    "..",
    "external:I",
    "a\\b",
)


def test_external_ids_of_any_kind_are_made_changed_and_deleted(pair: Pair) -> None:
    shop = pair.shop
    shop.customer("other")
    for name in ODD_NAMES:
        shop.customer(name)
        shop.contact(name, "a@b.test")
        shop.invoice(f"I {name}", name, 1000)
        shop.payment(f"P {name}", name, 1000, {f"I {name}": 1000})
    writes = pair.sync()
    for name in ODD_NAMES:
        own = [record.external_id for record in writes if record.customer == name]
        assert own == [name, f"I {name}", f"P {name}"]
    shop.run("update invoices set name = 'changed'")
    assert sorted(told(pair.sync())) == sorted(f"POST I {name} 200" for name in ODD_NAMES)
    for table in ("payments", "invoices", "contacts", "allocations"):
        shop.run(f"delete from {table}")
    shop.run("delete from customers where external_id <> 'other'")
    gone = [record for record in pair.sync() if record.method == "DELETE"]
    for name in ODD_NAMES:
        own = [
            f"{r.external_id} {r.status}"
            for r in gone
            if r.external_id in (name, f"I {name}", f"P {name}")
        ]
        assert own == [f"P {name} 204", f"I {name} 204", f"{name} 204"]


@together
def test_amounts_beyond_what_a_float_can_hold(case: Case) -> Story:
    amount = 2**53 + 1
    shop = case.shop
    shop.customer("C")
    shop.invoice("I", "C", amount)
    shop.payment("P", "C", amount, {"I": amount - 1})
    (yield).agreed()
    invoice, payment = ("invoice", case.marked("I")), ("payment", case.marked("P"))
    with case.desk.open() as organisation:
        told = organisation.journal.acknowledged([invoice, payment])
    assert str(amount).encode() in (told[invoice].payload or b"")
    assert str(amount - 1).encode() in (told[payment].payload or b"")


@pytest.fixture(scope="module")
def twenty_in_step(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Rewound:
    folder = tmp_path_factory.mktemp("twenty")
    return filled(folder, open_hub, "twenty", lambda shop: shop.customers_with_invoices(20))


class TestUnsafe:
    """Plans that a person should look at first."""

    @pytest.fixture
    def twenty(self, twenty_in_step: Rewound, tmp_path: Path) -> Iterator[Pair]:
        with twenty_in_step.pair(tmp_path / "shop") as pair:
            yield pair

    def test_what_empties_changes_or_deletes_much_is_refused_with_figures_until_forced(
        self, twenty: Pair
    ) -> None:
        shop = twenty.shop
        for table in ("customers", "invoices"):
            shop.run(f"create table kept_{table} as select * from {table}")
            shop.run(f"delete from {table}")
        before = len(twenty.desk.writes())
        with pytest.raises(UnsafePlan, match="the source came back empty, while the API has 40"):
            twenty.desk.apply(force=False)
        for table in ("customers", "invoices"):
            shop.run(f"insert into {table} select * from kept_{table}")
        shop.run("update customers set name = name || '!' where external_id < 'C17'")
        with pytest.raises(UnsafePlan, match=r"it changes \d+ of 20 customers"):
            twenty.desk.apply(force=False)
        shop.run("update customers set name = replace(name, '!', '')")
        shop.run("delete from invoices where external_id in ('I1', 'I2', 'I3')")
        done = twenty.desk.command("apply")
        assert done.returncode == 7
        (line,) = done.stderr.splitlines()
        assert "it deletes 3 of 20 invoices (15%, the limit is 10%)" in line
        assert "--force" in line
        assert len(twenty.desk.writes()) == before
        assert twenty.desk.command("apply", "--force").returncode == 0
        assert told(twenty.desk.writes(before)) == [f"DELETE I{n} 204" for n in (1, 2, 3)]
        prove_in_step(twenty.desk)

    def test_a_few_pass(self, twenty: Pair) -> None:
        twenty.shop.run("delete from invoices where external_id in ('I1', 'I2')")
        _, outcome = twenty.desk.apply(force=False)
        assert outcome.sent == 2


@together
def test_changes_are_sent_once_whatever_the_order_of_rows(case: Case) -> Story:
    shop = case.shop
    shop.customer("C")
    for n in range(5):
        shop.invoice(f"I{n}", "C", 1000)
    shop.payment("P", "C", 5000, {f"I{n}": 1000 for n in range(5)})
    writes = (yield).agreed()
    assert max(sent(writes).values()) == 1
    shop.run("create table turned as select * from allocations order by rowid desc")
    shop.run("delete from allocations")
    shop.run("insert into allocations select * from turned")
    assert (yield).agreed() == []
