"""Problems on a screen: one line for a kind, and nothing of them lost."""

from __future__ import annotations

import io

from rich.console import Console

from headrace.book.checks.checks import Problem
from headrace.cli.show.problems import kinds_of, show_problems

DECIMALS = "which is not a whole number of the currency's lowest division"
REMEDY = "all of them have decimals: did you mean minor(net, currency) in models/invoices.sql"


def shown(problems: list[Problem]) -> str:
    console = Console(file=io.StringIO(), width=500, highlight=False)
    show_problems(console, problems)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def many(count: int) -> list[Problem]:
    return [
        Problem("error", "invoice", f"i{n}", f"has net_amount '{n}.5', {DECIMALS}", REMEDY)
        for n in range(count)
    ]


def test_the_same_kind_is_one_line_with_three_examples() -> None:
    assert shown(many(426)).splitlines() == [
        "Problems (426 errors)",
        f"  error: 426 invoices alike; {REMEDY}",
        f"      i0 has net_amount '0.5', {DECIMALS}",
        f"      i1 has net_amount '1.5', {DECIMALS}",
        f"      i2 has net_amount '2.5', {DECIMALS}",
        "      … and 423 more",
        "  (--json has all)",
    ]


def test_records_with_the_very_same_problem_share_its_line() -> None:
    problems = [
        Problem("error", "invoice", f"i{n}", "has no due_date", "write it") for n in range(5)
    ]
    assert shown(problems).splitlines()[1:] == [
        "  error: 5 invoices (i0, i1, i2 and 2 more): has no due_date; write it",
        "  (--json has all)",
    ]


def test_three_of_a_kind_are_a_sentence_each() -> None:
    lines = shown(many(3)).splitlines()
    assert lines[1] == f"  error: invoice i0 has net_amount '0.5', {DECIMALS}; {REMEDY}"
    assert len(lines) == 4


def test_one_problem_is_a_sentence() -> None:
    problem = Problem("warning", "customer", "c[1]", "has no name", "name it")
    assert (
        shown([problem]) == "Problems (1 warning)\n  warning: customer c[1] has no name; name it\n"
    )


def test_ids_values_money_and_days_make_no_kind_of_their_own() -> None:
    said = [
        "belongs to customer {id}, which is not in the table customers",
        "is due on 2026-01-0{n}, before it was issued on 2026-02-0{n}",
        "allocates EUR {n}.00 of its EUR 1.00",
        "is allocated to invoice {id}, which is not there",
        "has the parent {id}, which is not in the table customers",
        "has due_date 'it's {id}', which is not a date",
    ]
    problems = [
        Problem("error", "payment", f"p{n}", text.format(id=id, n=n), "correct it")
        for text in said
        for n, id in enumerate(("ALPHA", "beta", "9-X"))
    ]
    assert [kind.count for kind in kinds_of(problems)] == [3] * len(said)


def test_different_columns_entities_severities_and_remedies_stay_apart() -> None:
    one = Problem("error", "invoice", "i1", "has no due_date", "write it")
    others = [
        Problem("warning", "invoice", "i1", "has no due_date", "write it"),
        Problem("error", "payment", "i1", "has no due_date", "write it"),
        Problem("error", "invoice", "i1", "has no issued_at", "write it"),
        Problem("error", "invoice", "i1", "has no due_date", "leave it"),
    ]
    assert [kind.count for kind in kinds_of([one, *others])] == [1] * 5


def test_errors_come_first_and_the_rest_is_counted() -> None:
    warnings = [
        Problem("warning", "customer", "c", f"has {chr(97 + n)}", "mend it") for n in range(25)
    ]
    lines = shown([*warnings, *many(4)]).splitlines()
    assert lines[0] == "Problems (4 errors, 25 warnings)"
    assert lines[1].startswith("  error: 4 invoices alike")
    assert lines[-2:] == ["  … and 6 kinds more, 6 problems", "  (--json has all)"]


def test_records_are_named_as_people_know_them() -> None:
    problem = Problem("error", "invoice", "4711", "has no due_date", "write it", "ACME", "INV-17")
    assert "error: invoice 4711 (INV-17, ACME) has no due_date; write it" in shown([problem])
