"""Each rule finds its rows and no other; what depends on a bad record stays behind with it."""

from pathlib import Path

from books import (
    allocation,
    build,
    credit_note,
    customer,
    invoice,
    links,
    payment,
    problems,
    withheld,
)


def test_good_rows_raise_nothing(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1"), customer("c2", parent_external_id="c1")],
        contacts=[{"customer_external_id": "c1", "email": "a@b.test"}],
        invoices=[invoice("i1"), invoice("i2", "c2")],
        credit_notes=[credit_note("n1", gross=40)],
        payments=[payment("p1", amount=160)],
        allocations=[
            allocation("payment p1", "invoice i1", 60),
            allocation("credit_note n1", "invoice i1", 40),
            allocation("payment p1", "invoice i2", 100),
        ],
    )
    assert book.problems() == []
    assert withheld(book) == {}


def test_a_missing_value_is_named_and_the_others_arrive(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1"), {"external_id": "c2", "name": None}],
        invoices=[invoice("i1"), invoice("i2", custom_id=None), invoice("i3", "c2")],
    )
    assert problems(book) == {
        ("customer", "c2", "has no name"),
        ("invoice", "i2", "has no custom_id"),
    }
    assert set(withheld(book)) == {("customer", "c2"), ("invoice", "i2"), ("invoice", "i3")}
    assert withheld(book)["invoice", "i3"] == "its customer c2 is withheld"


def test_text_where_a_number_or_a_date_belongs(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1")],
        invoices=[
            invoice("i1", gross="a lot", net_amount="1"),
            invoice("i2", gross="10.5", net_amount="1"),
            invoice("i3", gross="7", net_amount="7", due_date="soon"),
            invoice("i4", gross="8", net_amount="8"),
        ],
    )
    lowest = "which is not a whole number of the currency's lowest division"
    assert problems(book) == {
        ("invoice", "i1", f"has gross_amount 'a lot', {lowest}"),
        ("invoice", "i2", f"has gross_amount '10.5', {lowest}"),
        ("invoice", "i3", "has due_date 'soon', which is not a date"),
    }


def test_an_optional_value_that_cannot_be_read_holds_nothing_back(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1"), customer("c2", parent_external_id=1.5)],
        invoices=[invoice("i1", marked_paid_at="last week"), invoice("i2", marked_paid_at=None)],
    )
    assert {(p.severity, p.entity, p.external_id) for p in book.problems()} == {
        ("warning", "customer", "c2"),
        ("warning", "invoice", "i1"),
    }
    assert withheld(book) == {}
    # It says that the invoice is paid, whenever that was.
    rows = book.connection.execute("select external_id from book.fixes").fetchall()
    assert rows == [("fix:i1",)]


def test_references_to_what_is_not_there(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1", parent_external_id="c9")],
        contacts=[{"customer_external_id": "c8", "email": "a@b.test", "external_id": "k1"}],
        invoices=[invoice("i1", "c7")],
        payments=[payment("p1")],
        allocations=[
            allocation("payment p1", "invoice i9"),
            allocation("payment p9", "invoice i1"),
        ],
    )
    assert problems(book) == {
        ("child", "c1", "has the parent c9, which is not in the table customers"),
        ("contact", "k1", "belongs to customer c8, which is not in the table customers"),
        ("invoice", "i1", "belongs to customer c7, which is not in the table customers"),
        (
            "link",
            "payment p1 → invoice i9",
            "goes to an invoice that is not in the table invoices",
        ),
        (
            "link",
            "payment p9 → invoice i1",
            "comes from a payment that is not in the table payments",
        ),
    }
    assert set(withheld(book)) == {("invoice", "i1")}


def test_customers_in_a_circle_of_parents_travel_without_one(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[
            customer("c1", parent_external_id="c2"),
            customer("c2", parent_external_id="c3"),
            customer("c3", parent_external_id="c1"),
            customer("c4", parent_external_id="c3"),
            customer("c5"),
        ],
        invoices=[invoice("i1", "c4"), invoice("i2", "c5")],
    )
    assert {(p.severity, p.entity, p.external_id, p.problem) for p in book.problems()} == {
        ("warning", "child", "c1", "is in a circle of parents, from c2"),
        ("warning", "child", "c2", "is in a circle of parents, from c3"),
        ("warning", "child", "c3", "is in a circle of parents, from c1"),
    }
    assert withheld(book) == {}
    rows = book.connection.execute("from book.roots").fetchall()
    assert rows == [("c4", "c3")]


def test_three_levels_are_flattened_to_the_root(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[
            customer("c1"),
            customer("c2", parent_external_id="c1"),
            customer("c3", parent_external_id="c2"),
            customer("c4", parent_external_id="c3"),
        ],
    )
    roots = book.connection.execute(
        "select external_id, root from book.roots order by 1"
    ).fetchall()
    assert roots == [("c2", "c1"), ("c3", "c1"), ("c4", "c1")]


def test_allocations_over_either_side(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1")],
        invoices=[invoice("i1"), invoice("i2", gross=500)],
        payments=[
            payment("p1", validated_at="2026-03-01"),
            payment("p2", validated_at="2026-03-02"),
        ],
        allocations=[
            allocation("payment p1", "invoice i1", 80),
            allocation("payment p2", "invoice i1", 30),
            allocation("payment p2", "invoice i2", 90),
        ],
    )
    assert problems(book) == {
        (
            "link",
            "payment p2 → invoice i2",
            "brings what its source allocates to EUR 1.20, over its EUR 1.00",
        ),
        (
            "link",
            "payment p2 → invoice i1",
            "brings what settles its target to EUR 1.10, over its EUR 1.00",
        ),
    }
    assert withheld(book) == {}
    assert links(book) == {("p1", "i1", 80)}


def test_what_was_settled_with_can_be_refunded_no_more(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1")],
        invoices=[invoice("i1")],
        payments=[payment("p1")],
        refunds=[payment("r1")],
        allocations=[
            allocation("payment p1", "invoice i1", 60),
            allocation("refund r1", "payment p1", 60),
        ],
    )
    assert problems(book) == {
        (
            "link",
            "refund r1 → payment p1",
            "brings what settles its target to EUR 1.20, over its EUR 1.00",
        )
    }
    assert links(book) == {("p1", "i1", 60)}


def test_allocations_stay_in_one_currency_and_one_family(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1"), customer("c2", parent_external_id="c1"), customer("c3")],
        invoices=[invoice("i1", currency="USD"), invoice("i2", "c2"), invoice("i3", "c3")],
        payments=[payment("p1"), payment("p2"), payment("p3")],
        allocations=[
            allocation("payment p1", "invoice i1"),
            allocation("payment p2", "invoice i2"),
            allocation("payment p3", "invoice i3"),
        ],
    )
    assert problems(book) == {
        ("link", "payment p1 → invoice i1", "goes from EUR to USD"),
        (
            "link",
            "payment p3 → invoice i3",
            "goes from customer c1 to customer c3, who are not of one family",
        ),
    }
    assert withheld(book) == {}


def test_payments_travel_within_a_family_of_three_levels_and_between_siblings(
    tmp_path: Path,
) -> None:
    book = build(
        tmp_path,
        customers=[
            customer("group"),
            customer("country", parent_external_id="group"),
            customer("site", parent_external_id="country"),
        ],
        invoices=[invoice("i1", "site"), invoice("i2", "country")],
        payments=[payment("p1", "country"), payment("p2", "site")],
        allocations=[
            allocation("payment p1", "invoice i1"),
            allocation("payment p2", "invoice i2"),
        ],
    )
    assert problems(book) == set()
    assert links(book) == {("p1", "i1", 100), ("p2", "i2", 100)}


def test_where_siblings_may_not_pay_each_other_the_head_of_the_family_pays(
    tmp_path: Path,
) -> None:
    book = build(
        tmp_path,
        family_payments="parent",
        customers=[
            customer("group"),
            customer("a", parent_external_id="group"),
            customer("b", parent_external_id="group"),
        ],
        invoices=[invoice("i1", "a"), invoice("i2", "b"), invoice("i3", "group")],
        payments=[payment("p1", "a", amount=200), payment("p2", "b")],
        credit_notes=[credit_note("n1", "b", gross=10)],
        allocations=[
            allocation("payment p1", "invoice i1", 90),
            allocation("payment p1", "invoice i2"),
            allocation("payment p2", "invoice i3"),
            allocation("credit_note n1", "invoice i1", 10),
        ],
    )
    rows = book.connection.execute(
        "select external_id, customer_external_id from book.all_payments order by all"
    ).fetchall()
    assert rows == [("p1", "group"), ("p2", "b")]
    assert links(book) == {("p1", "i1", 90), ("p1", "i2", 100), ("p2", "i3", 100)}
    assert {(entity, external_id) for entity, external_id, _ in problems(book)} == {
        ("link", "credit_note n1 → invoice i1")
    }


def test_a_link_without_a_readable_amount_is_named_and_its_payment_goes(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1")],
        invoices=[invoice("i1"), invoice("i2")],
        payments=[payment("p1", amount=200)],
        allocations=[
            allocation("payment p1", "invoice i1", "100"),
            allocation("payment p1", "invoice i2", None),
            allocation("payment p1", "invoice i2", "ten"),
        ],
    )
    lowest = "which is not a whole number of the currency's lowest division"
    assert problems(book) == {
        (
            "link",
            "payment p1 → invoice i2",
            "has no amount, or one that is not exact in its currency",
        ),
        ("link", "payment p1 → invoice i2", f"has amount 'ten', {lowest}"),
    }
    assert withheld(book) == {}
    assert links(book) == {("p1", "i1", 100)}


def test_links_of_what_is_withheld_stay_behind_and_say_why(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1")],
        invoices=[invoice("i1"), invoice("i2", currency="EURO")],
        payments=[payment("p1", amount=200)],
        allocations=[
            allocation("payment p1", "invoice i1"),
            allocation("payment p1", "invoice i2"),
        ],
    )
    assert set(withheld(book)) == {("invoice", "i2")}
    assert links(book) == {("p1", "i1", 100)}


def test_allocations_whose_documents_have_left_are_a_warning(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1")],
        invoices=[invoice("i1")],
        payments=[payment("p1")],
        allocations=[
            allocation("payment p1", "invoice i1"),
            allocation("payment p8", "invoice i8"),
        ],
    )
    assert problems(book) == set()
    assert [p.external_id for p in book.problems()] == ["payment p8 → invoice i8"]


def test_a_table_of_allocations_that_finds_no_documents_is_an_error(tmp_path: Path) -> None:
    numbers = range(12)
    book = build(
        tmp_path,
        customers=[customer("c1")],
        invoices=[invoice(f"i{n}") for n in numbers],
        payments=[payment(f"p{n}") for n in numbers],
        allocations=[allocation(f"payment {n}", f"invoice {n}") for n in numbers],
    )
    assert problems(book) == {
        ("allocation", "*", "0 of 12 rows match a payment"),
        ("allocation", "*", "0 of 12 rows match an invoice"),
    }


def test_an_empty_table_and_one_that_mostly_stays_behind_are_warnings(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1")],
        payments=[payment(f"p{n}", currency="EURO" if n < 9 else "EUR") for n in range(10)],
    )
    warnings = {(p.entity, p.problem) for p in book.problems() if p.severity == "warning"}
    assert warnings == {("payment", "9 of 10 are withheld")}


def test_an_allocation_of_the_wrong_shape(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1")],
        invoices=[invoice("i1"), invoice("i2")],
        payments=[payment("p1"), payment("p2")],
        allocations=[
            allocation("invoice i1", "invoice i2"),
            allocation("payment p1", "payment p2"),
            allocation("payment p2", "invoice i2", -5),
        ],
    )
    assert problems(book) == {
        ("link", "invoice i1 → invoice i2", "goes from invoice to invoice"),
        ("link", "payment p1 → payment p2", "goes from payment to payment"),
        ("link", "payment p2 → invoice i2", "is of EUR -0.05"),
    }


def test_dates_currencies_signs_and_duplicates(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1")],
        invoices=[
            invoice("i1", due_date="2025-12-31"),
            invoice("i2", currency="EURO"),
            invoice("i3", gross=-100),
            invoice("i4"),
            invoice("i4"),
        ],
    )
    found = {(external_id, problem) for _, external_id, problem in problems(book)}
    assert found == {
        ("i2", "has the currency 'EURO', which ISO 4217 does not know"),
        ("i3", "has a negative amount: EUR -1.00"),
        ("i4", "stands 2 times in the table invoices (adjustments included)"),
    }


def test_an_invoice_due_before_its_issue_is_a_warning(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1")],
        invoices=[
            invoice("i1", due_date="2025-12-31"),
            invoice("i2", issued_at="2026-01-10T23:30:00-05:00", due_date="2026-01-10"),
            invoice("i3", issued_at="2026-01-10", due_date="2026-01-10T00:00:00+09:00"),
            invoice("i4", issued_at="2026-01-12T10:00:00Z", due_date="2026-01-10"),
        ],
    )
    assert {(p.severity, p.external_id, p.problem) for p in book.problems()} == {
        ("warning", "i1", "is due on 2025-12-31, before it was issued on 2026-01-10"),
        ("warning", "i4", "is due on 2026-01-10, before it was issued on 2026-01-12"),
    }
    assert withheld(book) == {}


def test_a_bad_contact_does_not_hold_back_its_customer(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1")],
        contacts=[
            {"customer_external_id": "c1", "email": None, "external_id": "k1"},
            {"customer_external_id": "c1", "email": "nobody", "external_id": "k2"},
            {"customer_external_id": "c1", "email": "a@b.test", "external_id": "k3"},
            {"customer_external_id": "c1", "email": "A@B.test", "external_id": "k4"},
            {"customer_external_id": "c1", "email": "r&d@b.test", "external_id": "k5"},
            {"customer_external_id": "c1", "email": "mailto:c@b.test", "external_id": "k6"},
        ],
    )
    assert {external_id for _, external_id, _ in problems(book)} == {
        "k1", "k2", "k4", "k5", "k6",
    }  # fmt: skip
    assert withheld(book) == {}
    rows = book.connection.execute("select external_id from book.travelling_contacts").fetchall()
    assert rows == [("k3",)]


def test_an_adjustment_becomes_a_payment_or_a_refund(tmp_path: Path) -> None:
    entry = {"customer_external_id": "c1", "currency": "EUR", "booked_at": "2026-03-03"}
    book = build(
        tmp_path,
        customers=[customer("c1")],
        payments=[payment("p1")],
        adjustments=[
            {"external_id": "a1", "amount": -30, **entry},
            {"external_id": "a2", "amount": 20, **entry},
            {"external_id": "p1", "amount": -1, **entry},
        ],
    )
    payments = book.connection.execute(
        "select external_id, amount, origin from book.all_payments "
        "where origin <> 'payment' order by 1"
    ).fetchall()
    refunds = book.connection.execute("select external_id, amount from book.all_refunds").fetchall()
    assert payments == [("a1", 30, "adjustment"), ("p1", 1, "adjustment")]
    assert refunds == [("a2", 20)]
    assert problems(book) == {
        ("payment", "p1", "stands 2 times in the table payments (adjustments included)")
    }


def test_marked_paid_gets_a_payment_of_what_is_open(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1")],
        invoices=[
            invoice("i1", marked_paid_at="2026-02-01"),
            invoice("i2", marked_paid_at="2026-02-01"),
            invoice("i3", marked_paid_at=None),
        ],
        payments=[payment("p1", amount=130)],
        allocations=[
            allocation("payment p1", "invoice i1", 30),
            allocation("payment p1", "invoice i2"),
        ],
    )
    rows = book.connection.execute(
        "select external_id, amount, strftime(validated_at, '%Y-%m-%d'), ref_number from book.fixes"
    ).fetchall()
    assert rows == [("fix:i1", 70, "2026-01-10", "fix:N-i1")]
