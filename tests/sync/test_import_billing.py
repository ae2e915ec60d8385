"""A generated book into a hub: how many requests, in which order, and after changes which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from billing_graph import Graph
from desk import (
    HubDesk,
    Key,
    apply_in_step,
    execute,
    most_at_a_time,
    overlapping,
    prove_in_step,
    sent,
)

from headrace.server.observing.request_log import LogRecord
from headrace.sync.planning.plan import Plan
from headrace.testkit.billing import (
    Counts,
    book_portal_payments,
    changes,
    generate,
    portal_payments,
    write_project,
)
from headrace.testkit.hub import RunningHub


class Imported:
    """A generated book after its first import, with the hub's log of it."""

    def __init__(self, folder: Path, hub: RunningHub, records: int, seed: int) -> None:
        self.database = folder / "billing.db"
        self.counts: Counts = generate(self.database, records=records, seed=seed)
        self.graph = Graph(self.database)
        # The hub takes what comes here, the pace is under test elsewhere.
        self.desk = HubDesk(
            write_project(folder / "project", self.database, rate=10**6), hub, f"billing-{records}"
        )
        self.plan: Plan
        self.plan, self.outcome = self.desk.apply()
        self.log = self.desk.writes()


@pytest.fixture(
    scope="module", params=[1_000, pytest.param(20_000, marks=pytest.mark.soak)], ids="{:,}".format
)
def imported(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    open_hub: RunningHub,
) -> Iterator[Imported]:
    folder = tmp_path_factory.mktemp("billing")
    yield Imported(folder, open_hub, request.param, seed=request.param)


def test_a_first_import_takes_one_request_for_each_record(imported: Imported) -> None:
    expected = {("customer", number) for number in imported.graph.customers}
    expected |= imported.graph.documents.keys()
    assert sent(imported.log) == dict.fromkeys(expected, 1)
    assert {record.status for record in imported.log} == {201}
    assert {record.method for record in imported.log} == {"POST"}
    assert imported.plan.requests == imported.outcome.sent == imported.counts.requests
    assert len(imported.log) == imported.counts.requests


def test_never_two_of_one_customer_and_never_more_than_asked_for(imported: Imported) -> None:
    assert overlapping(imported.log) == []
    assert most_at_a_time(imported.log) == imported.plan.in_flight == 5
    assert max(record.in_flight for record in imported.log) == 5


def test_settlements_stand_right_behind_the_last_invoice_that_they_settle(
    imported: Imported,
) -> None:
    graph, settles = imported.graph, defaultdict(list)
    for source, target in graph.links:
        if source[0] in ("payment", "credit_note"):
            settles[source].append(target)
    lanes = by_customer(imported.log)
    looked_at = 0
    for source, targets in settles.items():
        customer = graph.documents[source].customer
        if any(graph.documents[target].customer != customer for target in targets):
            continue
        lane = lanes[customer]
        place = lane.index(source)
        last = max(lane.index(target) for target in targets)
        assert last < place
        between = lane[last + 1 : place]
        assert {entity for entity, _ in between} <= {"payment", "credit_note", "refund"}, between
        looked_at += 1
    assert looked_at > imported.counts.payments * 0.8


def test_what_is_referred_to_goes_before(imported: Imported) -> None:
    """In the hub's own time: the one was answered before the other arrived."""
    graph = imported.graph
    at = {(str(r.entity), str(r.external_id)): r for r in imported.log}
    pairs = [(target, source) for source, target in graph.links]
    pairs += [
        (("customer", document.customer), document.key) for document in graph.documents.values()
    ]
    pairs += [(("customer", graph.root(child)), ("customer", child)) for child in graph.parents]
    late = [(one, other) for one, other in pairs if at[one].answered > at[other].arrived]
    assert len(pairs) > imported.counts.requests
    assert late == []


def test_open_items_are_complete_before_the_settled_past_begins(imported: Imported) -> None:
    graph = imported.graph
    open_items = graph.open_items()
    with_open = {graph.documents[key].customer for key in open_items}
    with_open |= {graph.root(customer) for customer in with_open}
    first = open_items | {("customer", customer) for customer in with_open}
    early = [r for r in imported.log if (str(r.entity), str(r.external_id)) in first]
    late = [r for r in imported.log if (str(r.entity), str(r.external_id)) not in first]
    assert len(early) == len(first) == imported.plan.open_requests
    assert len(late) > len(imported.log) / 4
    assert max(r.answered for r in early) <= min(r.arrived for r in late)


def test_then_nothing_is_left_and_the_balances_agree(imported: Imported) -> None:
    prove_in_step(imported.desk, imported.counts.requests)


@pytest.mark.parametrize("seed", [1, 2])
def test_changes_take_exactly_the_requests_that_they_need(imported: Imported, seed: int) -> None:
    desk = imported.desk
    before = len(desk.writes())
    happened = changes(imported.database, seed, 60)
    assert {change.kind for change in happened} == {
        "payment arrives", "contact moves", "invoice is issued", "invoice is credited",
        "invoice is corrected", "allocation moves", "refund is paid", "customer is renamed",
    }  # fmt: skip
    dirty = frozenset[Key]().union(*(change.dirty for change in happened))
    plan, outcome, _ = apply_in_step(desk)
    writes = desk.writes(before)
    assert sent(writes) == dict.fromkeys(dirty, 1)
    assert {record.status for record in writes} == {200, 201}
    assert (plan.requests, outcome.sent, outcome.rejected) == (len(dirty), len(dirty), 0)
    assert overlapping(writes) == []


def test_what_was_paid_in_the_portal_is_claimed_by_its_bookings(imported: Imported) -> None:
    desk = imported.desk
    paid = portal_payments(imported.database, 5, 15)
    desk.hub.seed("\n".join(one.seed_line() for one in paid), desk.name)
    proof = desk.reconcile()
    assert proof.balanced and len(proof.collected) == len(paid)
    before = len(desk.writes())
    booked = book_portal_payments(imported.database, paid, 5)
    plan, outcome, proof = apply_in_step(desk)
    assert len(plan.claims) == outcome.sent == len(paid)
    assert {one.by.partition(",")[0] for one in plan.claims} == {"reference", "customer"}
    assert sent(desk.writes(before)) == dict.fromkeys(
        frozenset[Key]().union(*(change.dirty for change in booked)), 1
    )
    assert {record.status for record in desk.writes(before)} == {200}
    assert proof.collected == []


CHANGES = {
    "customer": "update people set mail = 'one@change.test' where rowid = (select max(rowid) "
    "from people group by person_id having count(*) = 1 order by 1 limit 1)",
    "payment": "update applied set amount = 0.01 where rowid = (select max(a.rowid) from applied a "
    "join bills b on b.bill_id = a.target_id where a.source_kind = 'RECEIPT' "
    "and b.settled_on is null and b.currency = 'EUR')",
}


@pytest.mark.parametrize("entity", CHANGES)
def test_a_contact_is_one_customer_request_and_an_allocation_one_of_its_payment(
    imported: Imported, entity: str
) -> None:
    desk = imported.desk
    before = len(desk.writes())
    execute(imported.database, CHANGES[entity])
    apply_in_step(desk)
    assert [(r.method, r.entity, r.status) for r in desk.writes(before)] == [("POST", entity, 200)]


def by_customer(log: list[LogRecord]) -> dict[str, list[Key]]:
    """Each customer's records, in the order of their arrival."""
    lanes: dict[str, list[Key]] = defaultdict(list)
    for record in log:
        lanes[str(record.customer)].append((str(record.entity), str(record.external_id)))
    return lanes
