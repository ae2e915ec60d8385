"""Orders of requests that wait for each other, and single links between records that change."""

from __future__ import annotations

import itertools
import random

import pytest

from headrace.sync.journal import Key
from headrace.sync.ordering.link_order import LinkOrder, Transition, _reduced
from headrace.sync.ordering.links import Linkage, linkage_of
from headrace.sync.ordering.order_graph import LINK, RECORD, RELEASE, Graph, Step

P, Q, R = (("payment", name) for name in "PQR")
BILL, NOTE = ("invoice", "I"), ("invoice", "J")


def _graph() -> Graph:
    return Graph(lambda key: (0, *key))


def _kept(graph: Graph, order: list[Step]) -> bool:
    return all(order.index(then) > order.index(first) for then, first in graph.waits)


def test_what_waits_for_nothing_goes_by_its_place() -> None:
    graph = _graph()
    graph.lands(BILL, P)
    graph.lands(BILL, Q)
    assert graph.order() == [(BILL, RECORD), (P, RECORD), (Q, RECORD)]


def test_a_circle_is_opened_by_one_that_gives_back_first() -> None:
    graph = _graph()
    for first, then in ((P, Q), (Q, R), (R, P)):
        graph.frees(first, then, splittable=True)
    order = graph.order()
    assert graph.split == {P}
    assert order == [(P, RELEASE), (Q, RECORD), (R, RECORD), (P, RECORD)]


def test_nothing_is_given_back_before_it_is_needed() -> None:
    graph = _graph()
    for one, other in ((P, Q), (BILL, NOTE)):
        graph.frees(one, other, splittable=True)
        graph.frees(other, one, splittable=True)
    steps = [
        (BILL, RELEASE),
        (NOTE, RECORD),
        (BILL, RECORD),
        (P, RELEASE),
        (Q, RECORD),
        (P, RECORD),
    ]
    assert graph.order() == steps


def test_each_of_many_circles_is_opened_once() -> None:
    graph = _graph()
    for n in range(0, 2_000, 2):
        one, other = ("payment", f"{n:04d}"), ("payment", f"{n + 1:04d}")
        graph.frees(one, other, splittable=True)
        graph.frees(other, one, splittable=True)
    assert len(graph.order()) == 3_000
    assert len(graph.split) == 1_000


def test_a_large_circle_is_opened_at_once() -> None:
    graph = _graph()
    keys = [("payment", f"{n:04d}") for n in range(2_000)]
    for first, then in zip(keys, [*keys[1:], keys[0]], strict=True):
        graph.frees(first, then, splittable=True)
    assert len(graph.order()) == 4_000


def test_what_needs_the_whole_record_still_waits_for_it() -> None:
    graph = _graph()
    graph.frees(P, BILL, splittable=True)
    graph.lands(P, BILL)
    graph.lands(BILL, Q)
    graph.divide(P)
    assert graph.order() == [(P, RELEASE), (P, RECORD), (BILL, RECORD), (Q, RECORD)]


def test_it_is_the_same_whichever_is_said_first() -> None:
    sayings = [
        lambda graph: graph.frees(P, Q, splittable=True),
        lambda graph: graph.frees(P, R, splittable=False),
        lambda graph: graph.lands(P, BILL),
        lambda graph: graph.divide(P),
    ]
    orders = set()
    for said in itertools.permutations(sayings):
        graph = _graph()
        for say in said:
            say(graph)
        orders.add((tuple(graph.order()), tuple(sorted(graph.waits))))
    assert len(orders) == 1


def test_a_circle_that_nothing_opens_still_ends() -> None:
    graph = _graph()
    graph.lands(BILL, NOTE)
    graph.lands(NOTE, BILL)
    graph.lands(NOTE, P)
    assert {key for key, _ in graph.order()} == {BILL, NOTE, P}


def test_a_circle_is_opened_by_one_that_is_linked_later() -> None:
    graph = _graph()
    graph.lands(BILL, P, [BILL])
    graph.lands(P, NOTE)
    graph.lands(NOTE, BILL)
    assert graph.order() == [(P, RECORD), (NOTE, RECORD), (BILL, RECORD), (P, LINK)]
    assert graph.late == {P: {BILL}}


def test_only_the_links_that_close_the_circle_come_later() -> None:
    graph = _graph()
    graph.lands(BILL, P, [BILL])
    graph.lands(R, P, [R])
    graph.lands(P, BILL)
    assert graph.order() == [(R, RECORD), (P, RECORD), (BILL, RECORD), (P, LINK)]
    assert graph.late == {P: {BILL}}


def test_what_needs_others_for_more_than_its_links_waits_for_them() -> None:
    graph = _graph()
    graph.lands(BILL, P, [BILL])
    graph.lands(BILL, P)
    graph.lands(P, Q, [P])
    graph.lands(Q, BILL)
    assert graph.order() == [(Q, RECORD), (BILL, RECORD), (P, RECORD), (Q, LINK)]


def test_a_link_that_stays_parts_where_nothing_else_opens_the_circle() -> None:
    graph = _graph()
    link = (P, BILL)
    graph.may_part(link, [P, NOTE])
    graph.lands(NOTE, P, link=link)
    graph.lands(P, NOTE)
    order = graph.order()
    assert graph.parted == {link}
    assert order == [(P, RECORD), (NOTE, RECORD), (P, LINK)]


def test_no_more_requests_are_made_than_the_others_need() -> None:
    """What gives back could go first, but it has to go late all the same."""
    graph = _graph()
    graph.frees(P, NOTE, splittable=True)
    graph.lands(NOTE, BILL)
    graph.lands(BILL, P, [BILL])
    graph.lands(P, R)
    graph.lands(R, BILL)
    order = graph.order()
    assert (graph.split, set(graph.late)) == (set(), {P})
    assert [step for step in order if step[0] == P] == [(P, RECORD), (P, LINK)]


def test_any_graph_comes_to_an_order_that_keeps_to_it() -> None:
    chance = random.Random(7)
    for _ in range(300):
        graph = _graph()
        keys = [("payment", str(n)) for n in range(8)]
        for _ in range(14):
            first, then = chance.sample(keys, 2)
            links = [("invoice", str(chance.randrange(2)))] if chance.random() < 0.5 else []
            graph.frees(first, then, splittable=not links or chance.random() < 0.5, links=links)
        order = graph.order()
        assert len(order) == len(set(order)) <= 3 * len(keys)
        assert _kept(graph, order)


def _turn(key: Key, before: Linkage | None, after: Linkage | None) -> Transition:
    return Transition(key, before, after)


def _of(customer: str, currency: str = "EUR", **links: int) -> Linkage:
    return Linkage(customer, "", currency, 100, {("invoice", to): n for to, n in links.items()})


def _pairs(
    owner: Transition,
    target: Transition,
    *families: Transition,
    parents: dict[str, str] | None = None,
) -> list[tuple[Key, Key]] | None:
    moves = (owner, target, *families)
    return LinkOrder(owner, target, parents or {}, moves).constraints()


def test_within_a_customer_any_order_does() -> None:
    assert _pairs(_turn(P, _of("A", I=5), _of("A", I=9)), _turn(BILL, _of("A"), _of("A"))) == []


def test_a_link_that_goes_does_so_before_its_invoice_turns_elsewhere() -> None:
    assert _pairs(_turn(P, _of("A", I=5), _of("A")), _turn(BILL, _of("A"), _of("B"))) == [(P, BILL)]
    usd = _of("A", "USD")
    assert _pairs(_turn(P, _of("A", I=5), _of("A")), _turn(BILL, _of("A"), usd)) == [(P, BILL)]


def test_a_link_that_comes_does_so_after_its_invoice_has_come() -> None:
    assert _pairs(_turn(P, _of("A"), _of("A", I=5)), _turn(BILL, _of("B"), _of("A"))) == [(BILL, P)]


def test_both_sides_of_a_link_can_move_in_no_order() -> None:
    assert _pairs(_turn(P, _of("A", I=5), _of("B", I=5)), _turn(BILL, _of("A"), _of("B"))) is None


def test_both_sides_can_move_within_a_family() -> None:
    moves = (_turn(P, _of("A", I=5), _of("B", I=5)), _turn(BILL, _of("A"), _of("B")))
    assert _pairs(*moves, parents={"B": "A"}) == []


def test_a_customer_leaves_its_family_when_no_link_holds_it() -> None:
    child = _turn(("customer", "B"), Linkage(parent="A"), Linkage())
    owner = _turn(P, _of("A", I=5), _of("A"))
    target = _turn(BILL, _of("B"), _of("B"))
    link_order = LinkOrder(owner, target, {"B": "A"}, (owner, child))
    assert link_order.constraints() == [(P, ("customer", "B"))]


def test_where_either_of_two_must_go_first_one_is_chosen_and_no_more_is_said() -> None:
    """A payment and its invoice both go: either ends the link that keeps a family together."""
    child = _turn(("customer", "B"), Linkage(parent="A"), Linkage())
    parent = _turn(("customer", "A"), Linkage(), Linkage(parent="B"))
    owner = _turn(P, _of("B", I=5), None)
    target = _turn(BILL, _of("A"), None)
    link_order = LinkOrder(owner, target, {"B": "A"}, (owner, target, parent, child))
    assert link_order.constraints() == [(P, ("customer", "B"))]


def test_where_one_pair_is_too_little_the_end_that_goes_first_is_free_of_the_other() -> None:
    """A payment and its invoice both go, and both of their customers leave the family."""
    families = [_turn(("customer", c), Linkage(parent="F"), Linkage()) for c in ("A", "B")]
    owner = _turn(P, _of("A", I=5), None)
    target = _turn(BILL, _of("B"), None)
    link_order = LinkOrder(owner, target, {"A": "F", "B": "F"}, (owner, target, *families))
    assert link_order.constraints() == [(P, ("customer", "A")), (P, ("customer", "B"))]


def test_a_payment_goes_after_its_refund() -> None:
    refund = _turn(("refund", "R"), Linkage("A", "", "EUR", 9, {P: 9}), None)
    payment = _turn(P, _of("A"), None)
    assert _pairs(refund, payment) == [(("refund", "R"), P)]


@pytest.mark.parametrize(
    ("payload", "linkage"),
    [
        (
            b'{"externalId": "P", "customer": {"externalId": "A"}, "currency": "EUR",'
            b' "amount": 7, "linkedInvoices": [{"amountLinked": 3, "invoice":'
            b' {"externalId": "I"}}, {"amountLinked": 1, "invoice": {"externalId": "I"}}]}',
            Linkage("A", "", "EUR", 7, {BILL: 4}),
        ),
        (b'{"name": "A", "parent": {"externalId": "M"}}', Linkage(parent="M")),
        (b'{"currency": "EUR", "grossAmount": 12, "netAmount": 10}', Linkage("", "", "EUR", 12)),
    ],
)
def test_linkage_of_a_payload(payload: bytes, linkage: Linkage) -> None:
    assert linkage_of(payload) == linkage


def test_a_customer_that_joins_a_family_does_so_before_the_link_that_needs_it() -> None:
    child = _turn(("customer", "B"), Linkage(), Linkage(parent="A"))
    owner, target = _turn(P, _of("A"), _of("A", I=5)), _turn(BILL, _of("B"), _of("B"))
    link_order = LinkOrder(owner, target, {}, (owner, child))
    assert link_order.constraints() == [(("customer", "B"), P)]


def test_what_follows_from_two_pairs_is_not_said() -> None:
    assert _reduced([(P, Q), (Q, R), (P, R)]) == [(P, Q), (Q, R)]
    assert _reduced([(P, Q), (P, R)]) == [(P, Q), (P, R)]


def test_of_several_that_can_give_back_the_first_by_its_place_does() -> None:
    graph = Graph(lambda key: (-ord(key[1]), *key))
    for first, then in ((P, Q), (Q, R), (R, P)):
        graph.frees(first, then, splittable=True)
    graph.order()
    assert graph.split == {R}


def test_a_release_that_frees_nobody_is_not_made() -> None:
    graph = _graph()
    graph.frees(P, BILL, splittable=True)
    graph.lands(P, BILL)
    graph.lands(BILL, P)
    assert {key for key, _ in graph.order()} == {BILL, P}
    assert graph.split == set()


def test_only_a_link_that_holds_up_the_circle_parts() -> None:
    graph = _graph()
    link, other, outside = (P, BILL), (NOTE, Q), (NOTE, R)
    for one in (link, other, outside):
        graph.may_part(one, [P, NOTE])
    graph.lands(NOTE, P, link=link)
    graph.lands(P, NOTE)
    graph.lands(P, ("refund", "Z"), link=outside)
    graph.order()
    assert graph.parted == {link}


def test_in_a_circle_that_nothing_opens_the_first_stops_waiting_for_the_circle_alone() -> None:
    graph = _graph()
    last = ("refund", "Z")
    graph.lands(BILL, NOTE)
    graph.lands(NOTE, BILL)
    graph.lands(last, BILL)
    assert graph.order() == [(last, RECORD), (BILL, RECORD), (NOTE, RECORD)]
    assert set(graph.waits) == {((NOTE, RECORD), (BILL, RECORD)), ((BILL, RECORD), (last, RECORD))}
