"""What settles an invoice without cash: marked payments that `reconcile` sums by kind; and how what
other systems know, and Upflow does not, is modelled."""

from __future__ import annotations

import pytest
from desk import shown
from pair import Pair
from together import Case, Story, Together

from headrace.cli.show.reconciled import show_reconciled
from headrace.sync.remote.proof import KindTotal

together = Together()
_TABLE = (
    "create table settlements (external_id text, invoice_external_id text, kind text, "
    "amount integer, booked_at text, ref_number text)"
)


def _settle(pair: Pair | Case, name: str, invoice: str | None, kind: str, amount: int) -> None:
    pair.shop.run(
        "insert into settlements values (?, ?, ?, ?, '2026-05-20', null)",
        name, invoice, kind, amount,
    )  # fmt: skip


def _open(pair: Pair | Case) -> None:
    """A customer with an invoice of EUR 100.00, and a table of settlements."""
    pair.shop.run(_TABLE)
    pair.shop.customer("C1")
    pair.shop.invoice("I1", "C1", 10000)


@pytest.fixture
def books(pair: Pair) -> Pair:
    _open(pair)
    return pair


def test_each_kind_settles_its_invoice_and_is_summed_and_a_mark_covers_the_rest(
    books: Pair,
) -> None:
    kinds = {
        "write_off": 4000,
        "small_difference": 3,
        "exchange_difference": 250,
        "bank_fee": 120,
        "withholding_tax": 1500,
    }
    for number, (kind, amount) in enumerate(kinds.items()):
        _settle(books, f"S{number}", "I1", kind, amount)
    books.shop.payment("P1", "C1", 4127, {"I1": 4127})
    books.shop.invoice("I2", "C1", 10000, paid="2026-05-30")  # ticked off
    _settle(books, "S9", "I2", "withholding_tax", 1500)
    books.sync()
    for name in ("I1", "I2"):
        assert books.desk.get(f"/invoices/external:{name}")["state"] == "PAID"
    found = {
        one["externalId"]: (one["refNumber"], one["amount"], one["amountLinked"])
        for one in books.desk.get("/payments")["items"]
    }
    assert found["settlement:S0"] == ("write_off:No I1", 4000, 4000)
    assert (found["settlement:S9"][1], found["fix:I2"][1]) == (1500, 8500)
    assert books.proof is not None
    sums = kinds | {"withholding_tax": 1500 + 1500, "fix": 8500}
    assert books.proof.kinds == [
        KindTotal(kind, "EUR", amount, amount) for kind, amount in sorted(sums.items())
    ]
    said = shown(show_reconciled, books.proof)
    assert "write off: models EUR 40.00, API EUR 40.00" in said


@together
def test_a_settlement_that_is_moved_is_followed(case: Case) -> Story:
    _open(case)
    case.shop.invoice("I2", "C1", 10000)
    _settle(case, "S1", "I1", "write_off", 4000)
    (yield).agreed()
    case.shop.run("update settlements set invoice_external_id = 'I2', ref_number = 'same'")
    (yield).agreed()
    assert case.get("/invoices/external:I1")["amountOutstanding"] == 10000
    assert case.get("/invoices/external:I2")["amountOutstanding"] == 6000


@together
def test_a_settlement_that_is_moved_with_the_same_reference_and_taken_back_is_followed(
    case: Case,
) -> Story:
    _open(case)
    case.shop.invoice("I2", "C1", 10000)
    _settle(case, "S1", "I2", "write_off", 4000)
    case.shop.run("update settlements set ref_number = 'same'")
    (yield).agreed()
    assert case.get("/invoices/external:I2")["amountOutstanding"] == 6000
    case.shop.run("update settlements set invoice_external_id = 'I1'")
    (yield).agreed()
    assert case.get("/invoices/external:I1")["amountOutstanding"] == 6000
    assert case.get("/invoices/external:I2")["amountOutstanding"] == 10000
    case.shop.run("delete from settlements")
    (yield).agreed()
    assert case.get("/invoices/external:I1")["amountOutstanding"] == 10000


@together.each(
    ("I1", "discount", 100, "has the kind 'discount', which is none"),
    ("I9", "write_off", 100, "settles invoice I9, which is not in the table invoices"),
    ("I1", "write_off", -100, "has no positive amount: EUR -1.00"),
    ("I1", "write_off", 0, "has no positive amount: EUR 0.00"),
    ("I1", "write_off", 10001, "to EUR 100.01, over its EUR 100.00"),
    (None, "write_off", 100, "has no invoice_external_id"),
)
def test_a_settlement_that_can_not_be_is_an_error_of_its_own(
    case: Case, invoice: str | None, kind: str, amount: int, said: str
) -> Story:
    _open(case)
    case.shop.payment("P1", "C1", 500, {})
    _settle(case, "S1", invoice, kind, amount)
    step = yield
    assert any(said in problem.problem for problem in step.plan.problems), step.plan.problems
    assert {problem.entity for problem in step.plan.problems} == {"settlement"}
    assert len(step.writes) == 3  # all but it
    assert [one["externalId"] for one in case.get("/payments")["items"]] == ["P1"]


@together
def test_a_settlement_that_turned_wrong_is_not_taken_away(case: Case) -> Story:
    _open(case)
    _settle(case, "S1", "I1", "write_off", 100)
    (yield).agreed()
    case.shop.run("update settlements set kind = 'oops'")
    yield
    assert [one["externalId"] for one in case.get("/payments")["items"]] == ["settlement:S1"]


@together
def test_a_settlement_goes_with_its_withheld_invoice(case: Case) -> Story:
    _open(case)
    case.shop.run("update invoices set due_date = 'soon'")
    _settle(case, "S1", "I1", "write_off", 100)
    plan = (yield).plan
    assert "payment settlement:S1" in {f"{one.entity} {one.external_id}" for one in plan.withheld}


@together
def test_a_settlement_of_an_invoice_that_left_stops_nothing(case: Case) -> Story:
    _open(case)
    case.shop.invoice("I2", "C1", 10000)
    (yield).agreed()
    _settle(case, "S1", "I1", "write_off", 100)
    case.shop.run("delete from invoices where external_id = 'I1'")
    case.shop.customer("C0")
    case.shop.run("update invoices set customer_external_id = 'C0' where external_id = 'I2'")
    step = yield
    assert {problem.entity for problem in step.plan.problems} == {"settlement"}
    assert [write.status for write in step.writes if write.method == "DELETE"] == [204]
    case.shop.run("delete from settlements")
    (yield).agreed()


@together
def test_a_settlement_in_error_takes_no_room_from_payments(case: Case) -> Story:
    """Around an error, links that exceed what the API would hold are left out, by their order. One
    that is not sent anyway is none of these."""
    _open(case)
    case.shop.payment("P1", "C1", 2000, {"I1": 2000})
    (yield).agreed()
    case.shop.run("update payments set currency = 'XXQ' where external_id = 'P1'")
    _settle(case, "S1", "I1", "oops", 8000)
    case.shop.payment("z", "C1", 8000, {"I1": 8000})
    assert "payment settlement:S1" < "payment z"
    yield
    assert case.get("/invoices/external:I1")["amountOutstanding"] == 0


def test_a_settlement_is_never_taken_for_collected_money(books: Pair) -> None:
    books.desk.apply()
    books.desk.hub.collect("C1", 100, organisation=books.desk.name, validatedAt="2026-05-20")
    _settle(books, "S1", "I1", "bank_fee", 100)
    before = len(books.desk.log())
    plan, _ = books.desk.apply()
    assert plan.claims == [] and plan.held == []
    log = books.desk.log()[before:]
    assert [one.method for one in log if one.entity != "customer"] == ["POST"]


# recipes of docs/models.md -------------------------------------------------------------------


def test_an_invoice_that_is_uncollectible_is_written_off_by_what_it_has_open(books: Pair) -> None:
    books.shop.run("alter table invoices add column status text")
    models = books.shop.folder / "models"
    models.mkdir()
    for table in ("customers", "payments", "allocations"):
        (models / f"{table}.sql").write_text(f"from {table}")
    (models / "invoices.sql").write_text("select * exclude (status) from invoices")
    (models / "settlements.sql").write_text(
        """
        with paid as (
            select to_external_id, sum(amount) as amount
            from allocations
            where to_entity = 'invoice'
            group by to_external_id
        )
        select
            invoices.external_id,
            invoices.external_id as invoice_external_id,
            'write_off' as kind,
            gross_amount - coalesce(paid.amount, 0) as amount,
            issued_at as booked_at
        from invoices
        left join paid on paid.to_external_id = invoices.external_id
        where status = 'uncollectible' and gross_amount > coalesce(paid.amount, 0)
        """
    )
    books.shop.payment("P1", "C1", 2500, {"I1": 2500})
    books.desk.apply()
    assert books.desk.get("/invoices/external:I1")["amountOutstanding"] == 7500
    books.shop.run("update invoices set status = 'uncollectible'")
    books.sync()
    assert books.desk.get("/invoices/external:I1")["state"] == "PAID"
    assert books.proof is not None
    assert [(one.kind, one.api) for one in books.proof.kinds] == [("write_off", 7500)]


def test_an_invoice_voided_after_payment_leaves_and_its_payment_stays_unapplied(
    books: Pair,
) -> None:
    books.shop.run("alter table invoices add column status text")
    models = books.shop.folder / "models"
    models.mkdir()
    for table in ("customers", "payments"):
        (models / f"{table}.sql").write_text(f"from {table}")
    (models / "invoices.sql").write_text(
        "select * exclude (status) from invoices where status is distinct from 'void'"
    )
    (models / "allocations.sql").write_text(
        "select allocations.* from allocations join invoices "
        "on to_entity = 'invoice' and to_external_id = invoices.external_id "
        "where status is distinct from 'void'"
    )
    books.shop.payment("P1", "C1", 10000, {"I1": 10000})
    books.desk.apply()
    books.shop.run("update invoices set status = 'void'")
    books.sync()
    assert books.desk.get("/invoices")["invoices"] == []
    (payment,) = books.desk.get("/payments")["items"]
    assert payment["amountLinked"] == 0
    assert books.desk.get("/customers/external:C1")["balance"] == -10000


def test_a_debit_memo_is_an_invoice_and_can_be_paid(books: Pair) -> None:
    books.shop.run("create table memos (id text, customer text, amount integer)")
    models = books.shop.folder / "models"
    models.mkdir()
    for table in ("customers", "payments", "allocations"):
        (models / f"{table}.sql").write_text(f"from {table}")
    (models / "invoices.sql").write_text(
        """
        select external_id, customer_external_id, custom_id, issued_at, due_date, currency,
            gross_amount, net_amount
        from invoices
        union all
        select 'DM' || id, customer, 'Debit memo ' || id, '2026-05-05', '2026-05-05', 'EUR',
            amount, amount
        from memos
        """
    )
    books.shop.run("insert into memos values ('7', 'C1', 900)")
    books.shop.payment("P1", "C1", 900, {"DM7": 900})
    books.sync()
    assert books.desk.get("/invoices/external:DM7")["state"] == "PAID"


def test_instalments_are_invoices_that_share_a_number_and_are_due_in_turn(books: Pair) -> None:
    books.shop.run("create table terms (invoice text, number integer, due text, amount integer)")
    models = books.shop.folder / "models"
    models.mkdir()
    for table in ("customers", "payments", "allocations"):
        (models / f"{table}.sql").write_text(f"from {table}")
    (models / "invoices.sql").write_text(
        """
        select
            invoices.external_id || coalesce('-' || terms.number, '') as external_id,
            customer_external_id,
            custom_id || coalesce(
                ' (' || terms.number || '/' || count(*) over (partition by terms.invoice) || ')', ''
            ) as custom_id,
            issued_at,
            coalesce(terms.due, due_date) as due_date,
            currency,
            coalesce(terms.amount, gross_amount) as gross_amount,
            coalesce(terms.amount, net_amount) as net_amount
        from invoices
        left join terms on terms.invoice = invoices.external_id
        """
    )
    books.shop.run("insert into terms values ('I1', 1, '2026-06-01', 4000)")
    books.shop.run("insert into terms values ('I1', 2, '2090-07-01', 6000)")
    books.shop.payment("P1", "C1", 1000, {"I1-1": 1000})
    books.sync()
    found = {
        one["externalId"]: (one["customId"], one["state"], one["amountOutstanding"])
        for one in books.desk.get("/invoices")["invoices"]
    }
    assert found == {
        "I1-1": ("No I1 (1/2)", "OVERDUE", 3000),
        "I1-2": ("No I1 (2/2)", "DUE", 6000),
    }
