"""Links with an identity of their own."""

from __future__ import annotations

from typing import Any

from headrace.testkit.conformance.evidence import REFERENCE, SENT, assumed, observed
from headrace.testkit.conformance.expect import part, same
from headrace.testkit.conformance.session import Session

_POST = "POST /reconcile"


def _request(s: Session, **sides: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"invoices": [], "payments": [], "creditNotes": [], "refunds": []}
    return {"externalId": s.name("partial-1"), **empty, **sides}


def _side(s: Session, text: str, amount: int) -> list[dict[str, Any]]:
    return [{"externalId": s.name(text), "amountLinked": amount}]


async def _books(s: Session) -> None:
    await s.customer("C")
    await s.invoice("I", "C", 1000)
    await s.payment("P", "C", 700)


@observed(REFERENCE, _POST)
async def it_links_a_debit_and_a_credit(s: Session) -> None:
    """An invoice and a payment without links are linked; repeating it changes nothing."""
    await _books(s)
    for _ in range(2):
        sides = {"invoices": _side(s, "I", 600), "payments": _side(s, "P", 600)}
        await s.done("POST", "/reconcile", _request(s, **sides))
        same(await s.outstanding("I"), 400, "the outstanding amount")


@observed(SENT, _POST)
async def four_empty_lists_undo_it(s: Session) -> None:
    """The same `externalId` with four empty lists removes the links."""
    await _books(s)
    sides = {"invoices": _side(s, "I", 600), "payments": _side(s, "P", 600)}
    await s.done("POST", "/reconcile", _request(s, **sides))
    await s.done("POST", "/reconcile", _request(s))
    same(await s.outstanding("I"), 1000, "the outstanding amount")


@observed(SENT, _POST, "POST /payments")
async def an_import_leaves_it_alone(s: Session) -> None:
    """A payment that is imported again without links keeps those of a reconciliation."""
    await _books(s)
    sides = {"invoices": _side(s, "I", 600), "payments": _side(s, "P", 600)}
    await s.done("POST", "/reconcile", _request(s, **sides))
    await s.payment("P", "C", 700)
    same(await s.outstanding("I"), 400, "the outstanding amount")


@observed(REFERENCE, _POST)
async def refunds_and_credit_notes_have_their_sides(s: Session) -> None:
    """A refund is a debit, a credit note a credit; `id` and `customId` are allowed too."""
    await s.customer("C")
    invoice = await s.invoice("I", "C", 1000)
    await s.credit_note("N", "C", 300)
    await s.payment("P", "C", 500)
    await s.refund("R", "C", 500)
    whole = {"id": invoice["id"], "customId": "No I", **_side(s, "I", 300)[0]}
    first = _request(s, invoices=[whole], creditNotes=_side(s, "N", 300))
    await s.done("POST", "/reconcile", first)
    sides = {"refunds": _side(s, "R", 500), "payments": _side(s, "P", 500)}
    second = {**_request(s, **sides), "externalId": s.name("partial-2")}
    await s.done("POST", "/reconcile", second)
    same(await s.outstanding("I"), 700, "the outstanding amount")
    part(await s.get(s.at("/refunds", "R")), {"amountLinked": 500}, "the refund")


@assumed(_POST)
async def its_answer_is_created(s: Session) -> None:
    """The answer is 201 with the text `CREATED` in JSON, new or not."""
    await _books(s)
    for _ in range(2):
        sides = {"invoices": _side(s, "I", 600), "payments": _side(s, "P", 600)}
        same(await s.status(201, "POST", "/reconcile", _request(s, **sides)), "CREATED", "it")


@assumed(_POST)
async def both_sides_have_the_same_sum(s: Session) -> None:
    """Unequal sums, too much, or a document that does not exist are 400 and change nothing."""
    await _books(s)
    for invoice, debit, credit in (("I", 600, 500), ("I", 701, 701), ("nothing", 1, 1)):
        sides = {"invoices": _side(s, invoice, debit), "payments": _side(s, "P", credit)}
        await s.status(400, "POST", "/reconcile", _request(s, **sides))
    same(await s.outstanding("I"), 1000, "the outstanding amount")


@assumed(_POST)
async def posting_it_again_replaces_it(s: Session) -> None:
    """The same `externalId` with other links replaces its earlier links."""
    await _books(s)
    await s.invoice("J", "C", 1000)
    for name in "IJ":
        sides = {"invoices": _side(s, name, 600), "payments": _side(s, "P", 600)}
        await s.done("POST", "/reconcile", _request(s, **sides))
    same(
        [await s.outstanding("I"), await s.outstanding("J")], [1000, 400], "the outstanding amount"
    )
