"""Each rule finds its rows and no other; what depends on a bad record stays behind with it."""

from pathlib import Path

from books import allocation, build, credit_note, customer, invoice, payment, problems, withheld


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
        ("customer", "c1", "has the parent c9, which is not in the table customers"),
        ("contact", "k1", "belongs to customer c8, which is not in the table customers"),
        ("invoice", "i1", "belongs to customer c7, which is not in the table customers"),
        ("payment", "p1", "is allocated to invoice i9, which is not there"),
        ("payment", "p9", "has allocations but is not in the table payments"),
    }


def test_a_cycle_of_parents_is_a_report_and_no_hang(tmp_path: Path) -> None:
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
    assert {entity for entity, _, _ in problems(book)} == {"customer"}
    assert all("form a cycle" in problem for _, _, problem in problems(book))
    assert {key for key in withheld(book) if key[0] == "customer"} == {
        ("customer", f"c{n}") for n in (1, 2, 3, 4)
    }
    assert ("invoice", "i2") not in withheld(book)


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
    over = "brings the allocations of invoice i1 to EUR 1.10, over its EUR 1.00"
    assert problems(book) == {
        ("payment", "p2", over),
        ("payment", "p2", "allocates EUR 1.20 of its EUR 1.00"),
    }
    assert set(withheld(book)) == {("payment", "p2")}


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
        ("payment", "p1", "is in EUR and allocated to invoice i1 in USD"),
        (
            "payment",
            "p3",
            "belongs to customer c1 and is allocated to invoice i3 of customer c3, "
            "neither its parent nor its child",
        ),
    }


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
        ("invoice", "i1", "is allocated from invoice to invoice"),
        ("payment", "p1", "is allocated from payment to payment"),
        ("payment", "p2", "has an allocation of -5 to i2"),
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
        ("i1", "is due on 2025-12-31, before it was issued on 2026-01-10"),
        ("i2", "has the currency 'EURO', which ISO 4217 does not know"),
        ("i3", "has a negative amount: EUR -1.00"),
        ("i4", "stands 2 times in the table invoices (adjustments included)"),
    }


def test_a_bad_contact_does_not_hold_back_its_customer(tmp_path: Path) -> None:
    book = build(
        tmp_path,
        customers=[customer("c1")],
        contacts=[
            {"customer_external_id": "c1", "email": None, "external_id": "k1"},
            {"customer_external_id": "c1", "email": "nobody", "external_id": "k2"},
            {"customer_external_id": "c1", "email": "a@b.test", "external_id": "k3"},
            {"customer_external_id": "c1", "email": "A@B.test", "external_id": "k4"},
        ],
    )
    assert {external_id for _, external_id, _ in problems(book)} == {"k1", "k2", "k4"}
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
