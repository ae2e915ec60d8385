"""Issues of comparable tools, by their public numbers, and what their users expect.

Each says what it was, and shows that it is not so here. drt is drt-hub/drt, dlt is dlt-hub/dlt,
Singer is meltano/sdk, Multiwoven is Multiwoven/multiwoven, Airbyte is airbytehq/airbyte. Most look
at one of three stories, since what costs time is to plan.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from desk import HubDesk, query, sent
from fake_api import Arrival, Bench, FakeApi, Killed, Reply, SharedBook, refusal
from msgspec import Struct
from shop import Shop

from headrace.model.entity import CUSTOMER, INVOICE, PAYMENT
from headrace.server.observing.request_log import LogRecord
from headrace.testkit.hub import RunningHub
from virtual_time import VirtualClock

Done = subprocess.CompletedProcess[str]
NewDesk = Callable[[Path], HubDesk]


class Story(Struct):
    """What happened, step by step: what each command said, and what the hub was sent."""

    desk: HubDesk
    done: list[Done] = []
    writes: list[list[LogRecord]] = []
    held: list[Counter[tuple[str, str]]] = []
    """How often the hub has each record, by its external id."""

    def command(self, *words: str) -> None:
        """The next step."""
        before = len(self.desk.writes())
        self.done.append(self.desk.command(*words))
        self.writes.append(self.desk.writes(before))
        held: Counter[tuple[str, str]] = Counter()
        for entity in (CUSTOMER, INVOICE, PAYMENT):
            page = self.desk.get(f"{entity.path}?limit=500")[entity.envelope]
            held.update((entity.name, str(one["externalId"])) for one in page)
        self.held.append(held)


def small_shop(folder: Path) -> Shop:
    """Two customers with an invoice each, a part of which is paid."""
    shop = Shop(folder)
    for name in ("A", "B"):
        shop.customer(name)
        shop.invoice(f"I{name}", name, 100)
        shop.payment(f"P{name}", name, 60, {f"I{name}": 60})
    return shop


class Syncs(Story):
    """A preview, a first import over bad connections, a second sync, and a source that is gone."""

    source: list[bytes] = []
    """The source's file, before and after the first import."""


@pytest.fixture(scope="module")
def syncs(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Syncs:
    shop = small_shop(tmp_path_factory.mktemp("syncs") / "shop")
    for table in ("customers", "payments", "allocations"):
        model(shop, table, f"from {table}")
    # The timestamp that a cursor would go by; nothing ever moves it.
    shop.run("create table bills as select *, '2026-05-05' as updated_at from invoices")
    model(shop, "invoices", "select * exclude (updated_at) from bills")
    story = Syncs(HubDesk(shop.folder, open_hub, "syncs"))
    story.command("plan", "--diff", "--detailed-exitcode")
    story.source.append((shop.folder / "shop.db").read_bytes())
    with open_hub.faults(
        {"kind": "reply-lost", "on": "POST /customers"},
        {"kind": "truncated", "on": "POST /invoices"},
        {"kind": "reset", "on": "POST /payments"},
        organisation="syncs",
    ) as script:
        story.command("apply")
        assert script.done
    story.source.append((shop.folder / "shop.db").read_bytes())
    theirs = {"externalId": "theirs", "customer": {"externalId": "A"}, "amount": 5}
    story.desk.post("/payments", {**theirs, "currency": "EUR", "validatedAt": "2026-05-05"})
    shop.run("update bills set gross_amount = 90 where external_id = 'IB'")
    shop.drop("payments", "PA")
    # Another way to say the same names.
    columns = "select external_id, vat_number, parent_external_id,"
    model(shop, "customers", f"{columns} trim(' ' || name) as name from customers")
    story.command("apply", "--json")
    for table in ("customers", "bills", "payments", "allocations"):
        shop.run(f"delete from {table}")
    story.command("apply")
    shop.close()
    return story


def model(shop: Shop, table: str, sql: str) -> None:
    (shop.folder / "models").mkdir(exist_ok=True)
    (shop.folder / "models" / f"{table}.sql").write_text(sql, encoding="utf-8")


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Story:
    """A first import that is refused all invoices, the same again, and a retry once they fit."""
    shop = small_shop(tmp_path_factory.mktemp("refusals") / "shop")
    story = Story(HubDesk(shop.folder, open_hub, "refusals"))
    refused = {"kind": "status", "status": 400, "message": "unknown property", "times": 2}
    with open_hub.faults({**refused, "on": "POST /invoices"}, organisation="refusals") as script:
        story.command("apply")
        assert script.done
    story.command("apply")
    story.command("apply", "--retry-rejected")
    shop.close()
    return story


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> list[Arrival]:
    """Ten parents that pay their children's invoices, told of behind them, ten at a time."""
    shop = Shop(tmp_path_factory.mktemp("families"), rate=600)
    for n in range(10):
        shop.customer(f"child {n}", f"parent {n}")
        shop.invoice(f"I{n}", f"child {n}", 100)
        shop.payment(f"P{n}", f"parent {n}", 100, {f"I{n}": 100})
        shop.customer(f"parent {n}")
    bench = Bench(shop.folder, VirtualClock())
    api = FakeApi(bench.clock, 0.3)
    bench.deliver(api, bench.plan(), in_flight=10)
    bench.close()
    shop.close()
    assert api.most_in_flight > 5
    return api.arrivals


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedBook]:
    """Twenty customers with an invoice and its payment each."""
    shop = Shop(tmp_path_factory.mktemp("twenty"), rate=600)
    for n in range(20):
        shop.customer(f"C{n}")
        shop.invoice(f"I{n}", f"C{n}", 100)
        shop.payment(f"P{n}", f"C{n}", 100, {f"I{n}": 100})
    shop.close()
    with closing(SharedBook(shop.folder)) as book:
        yield book


@pytest.fixture
def bench(shared: SharedBook, tmp_path: Path) -> Iterator[Bench]:
    with closing(shared.bench(tmp_path / "shop")) as opened:
        yield opened


def test_drt_755_an_unchanged_record_is_not_sent_again(syncs: Syncs) -> None:
    """Each run of a sync without a cursor sent the whole result set again."""
    changed = {("payment", "PA"), ("invoice", "IB")}
    assert changed <= sent(syncs.writes[1]).keys()
    assert sent(syncs.writes[2]).keys() == changed


def test_drt_278_a_failed_record_is_kept_with_its_reason_until_it_arrives(refusals: Story) -> None:
    """Records that failed were counted, and gone."""
    _, again, retried = refusals.done
    assert "unknown property" in again.stdout
    assert retried.returncode == 0
    assert not {("invoice", "IA"), ("invoice", "IB")} & refusals.held[1].keys()
    assert {("invoice", "IA"), ("invoice", "IB")} <= refusals.held[2].keys()


def test_drt_1127_what_arrived_before_an_error_is_not_sent_again(bench: Bench) -> None:
    """An exception half way through a retry lost the confirmations before it."""

    def fail_half_way(arrival: Arrival) -> Reply | None:
        return refusal(401, "revoked") if len(api.arrivals) >= 30 else None

    api = FakeApi(bench.clock, 0.2, script=fail_half_way)
    _, delivery = bench.deliver(api, bench.plan())
    assert delivery.stopped is not None
    arrived = {one.external_id for one in api.arrivals if one.status == 200}
    assert len(arrived) >= 30
    api = FakeApi(bench.clock, 0.2)
    bench.deliver(api, bench.plan())
    assert len(api.arrivals) == 60 - len(arrived)
    assert not arrived & {one.external_id for one in api.arrivals}


def test_drt_1128_a_retry_costs_the_journal_some_rows_a_record_and_not_the_whole_queue(
    bench: Bench,
) -> None:
    """The first mend of 1127 read and wrote the whole queue again for each record."""

    def refuse_customers(arrival: Arrival) -> Reply | None:
        return refusal(400, "no") if arrival.entity == "customer" else None

    bench.deliver(FakeApi(bench.clock, 0.2, script=refuse_customers), bench.plan())
    journal = bench.organisation.journal
    assert len(journal.rejects()) == 20
    journal.clear_rejects()
    plan = bench.plan()
    touched = [0]

    def count(arrival: Arrival) -> Reply | None:
        touched.append(connection.total_changes)
        return None

    connection: sqlite3.Connection = journal._db._database._db  # type: ignore[union-attr]
    progress, _ = bench.deliver(FakeApi(bench.clock, 0.2, script=count), plan)
    assert progress.done == plan.requests == 60
    rows = touched[-1] - touched[1]
    assert 59 < rows < 59 * 6, "rows that the journal wrote for the 59 requests between"


def test_drt_897_what_is_sent_once_more_has_no_second_effect(
    tmp_path: Path, new_desk: NewDesk
) -> None:
    """A retry after a reply that nobody saw did things twice: no ledger, no key of the request."""
    shop = small_shop(tmp_path / "shop")
    story = Story(new_desk(shop.folder))
    story.command("apply")
    # As after a power cut before the acknowledgements were on the disk.
    for path in (shop.folder / ".headrace" / "shop").iterdir():
        path.unlink()
    story.command("apply")
    assert sent(story.writes[0]) == sent(story.writes[1]) == story.held[1]
    assert set(story.held[1].values()) == {1}
    assert story.desk.get("/invoices/external:IA")["amountOutstanding"] == 40
    shop.close()


def test_drt_686_only_what_was_sent_from_here_is_deleted(syncs: Syncs) -> None:
    """A mirror deleted rows that others had written: 54 of 55."""
    deleted = [one.external_id for one in syncs.writes[2] if one.method == "DELETE"]
    assert deleted == ["PA"]
    assert syncs.held[2][("payment", "theirs")] == 1


def test_drt_a_row_that_changed_without_a_newer_timestamp_is_sent(syncs: Syncs) -> None:
    """A cursor on `updated_at` passed over it."""
    assert sent(syncs.writes[2])["invoice", "IB"] == 1
    assert syncs.desk.get("/invoices/external:IB")["grossAmount"] == 90


def test_drt_an_http_target_can_be_planned(syncs: Syncs) -> None:
    """`plan` on its REST destination: not available."""
    planned = syncs.done[0]
    assert planned.returncode == 2
    assert "  new payment PB\n      amount: EUR 0.60\n" in planned.stdout
    assert "      settles invoice IB (No IB): EUR 0.60\n" in planned.stdout


def test_drt_requests_are_not_sent_one_by_one(bench: Bench) -> None:
    """Its REST destination waits for each answer: 232 requests a minute at 250 ms, of 600."""
    api = FakeApi(bench.clock, 0.25)
    progress, _ = bench.deliver(api, bench.plan())
    assert (progress.done, api.most_in_flight) == (60, 5)
    assert progress.elapsed < 60 * 0.25 / 4


def test_drt_no_child_overtakes_its_parent(families: list[Arrival]) -> None:
    """With `--threads`, syncs of customers and of their invoices race each other."""
    when = {one.external_id: one for one in families}
    for n in range(10):
        line = [when[f"{name}{n}"] for name in ("parent ", "child ", "I", "P")]
        assert all(one.answered <= other.at for one, other in itertools.pairwise(line))


def test_dlt_2837_a_lost_connection_makes_no_duplicate(syncs: Syncs) -> None:
    """After connection errors the same rows were loaded twice."""
    assert {one.fault for one in syncs.writes[1]} == {None, "reply-lost", "truncated", "reset"}
    assert sum(sent(syncs.writes[1]).values()) == 6 + 3
    assert len(syncs.held[1]) == 6 and set(syncs.held[1].values()) == {1}


_DELIVER_A_LOT = """
import resource, sys
from pathlib import Path
from fake_api import Bench, FakeApi
from virtual_time import VirtualClock
from headrace.testkit.billing import generate, write_project

folder = Path(sys.argv[1])
generate(folder / "billing.db", records=int(sys.argv[2]), seed=3)
bench = Bench(write_project(folder / "project", folder / "billing.db"), VirtualClock())
progress, _ = bench.deliver(FakeApi(bench.clock, 0.05), bench.plan())
bench.close()
print(progress.done, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.soak
def test_dlt_1588_and_airbyte_16652_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """A hundred thousand rows filled the memory, in dlt unless an obscure setting cut the files."""
    done, most = deliver_elsewhere(tmp_path / "many", 100_000)
    assert done > 100_000 and most < 600
    _, few = deliver_elsewhere(tmp_path / "few", 10_000)
    assert most < few + 250


def deliver_elsewhere(folder: Path, records: int) -> tuple[int, int]:
    """(requests, MB at most) of an import in a process of its own."""
    folder.mkdir()
    here = Path(__file__).parent
    paths = f"import sys; sys.path[:0] = {[str(here), str(here.parent)]!r}"
    command = [sys.executable, "-c", paths + _DELIVER_A_LOT, str(folder), str(records)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    done, most = said.split()
    return int(done), int(most)


def test_singer_1064_one_stream_that_fails_stops_no_other_and_what_arrived_is_remembered(
    refusals: Story,
) -> None:
    """One failing sink ended all streams, and no state was written after hours of work."""
    # The payments of the refused invoices arrive without their links.
    assert {entity for entity, _ in refusals.held[0]} == {"customer", "payment"}
    assert refusals.writes[1] == []
    assert {entity for entity, _ in sent(refusals.writes[2])} == {"invoice", "payment"}


def test_singer_1025_parents_and_children_may_alternate(families: list[Arrival]) -> None:
    """Each change between a parent's and a child's rows made its sink anew."""
    assert len(families) == len({one.external_id for one in families}) == 40


def test_singer_171_and_1626_nothing_waits_for_a_batch_to_fill(bench: Bench) -> None:
    """How many records a sink keeps before it lets them go could not be told."""
    api = FakeApi(bench.clock, 0.2)
    bench.kill_at = 23
    with pytest.raises(Killed):
        bench.deliver(api, bench.plan())
    assert 23 - 5 <= sum(bench.organisation.journal.count().values()) <= 23


def test_multiwoven_923_a_rejected_record_is_not_taken_for_sent(refusals: Story) -> None:
    """All rows failed, the run was a success without a reason, and later ones skipped them."""
    first, again, retried = refusals.done
    assert (first.returncode, again.returncode, retried.returncode) == (4, 4, 0)
    assert "2 rejected: `headrace rejects list` says why" in first.stdout
    assert len(refusals.held[2]) == 6


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [("", 5, "not-there.db"), ('every = "soon"', 6, "'soon' is not an interval")],
    ids=["840", "925"],
)
def test_multiwoven_840_and_925_a_sync_that_can_not_run_says_so(
    tmp_path: Path, new_desk: NewDesk, line: str, code: int, words: str
) -> None:
    """A scheduled sync never ran, and nothing told of it."""
    shop = Shop(tmp_path / "shop", more=line)
    toml = shop.folder / "headrace.toml"
    toml.write_text(toml.read_text("utf-8").replace("shop.db", "not-there.db"), encoding="utf-8")
    done = new_desk(shop.folder).command("run", "--once")
    assert done.returncode == code
    assert words in done.stdout + done.stderr
    shop.close()


def test_expected_a_preview_sends_nothing(syncs: Syncs) -> None:
    assert (syncs.writes[0], syncs.held[0].total()) == ([], 0)
    assert "6 requests" in syncs.done[0].stdout


def test_expected_a_new_mapping_that_makes_the_same_sends_nothing(syncs: Syncs) -> None:
    assert "customer" not in {entity for entity, _ in sent(syncs.writes[2])}


def test_expected_the_source_is_only_read(syncs: Syncs) -> None:
    before, after = syncs.source
    assert before == after


def test_expected_the_history_is_a_table(syncs: Syncs) -> None:
    journal = syncs.desk.folder / ".headrace" / "shop" / "journal.db"
    runs = query(journal, "select id, outcome, sent from runs order by id")
    assert runs == [(1, "done", 6), (2, "done", 2)]
    assert query(journal, "select external_id from applied where run = 2") == [("IB",)]


def test_expected_a_program_can_read_what_was_done(syncs: Syncs) -> None:
    (report,) = json.loads(syncs.done[2].stdout)
    assert (report["exit_code"], report["outcome"]["sent"], report["outcome"]["left"]) == (0, 2, 0)


def test_expected_a_source_that_came_back_empty_deletes_nothing_and_says_so(syncs: Syncs) -> None:
    refused = syncs.done[3]
    assert refused.returncode == 7
    assert "the source came back empty, while the API has 5 records" in refused.stderr
    assert syncs.writes[3] == []
