"""The journal of requests: recording, searching, blanking, dropping, and `headrace logs`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_api import Api, customer

from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import Refused
from headrace.server.observing.request_journal import JOURNAL, Exchange, RequestJournal
from headrace.server.observing.request_log import LogRecord
from headrace.server.observing.request_search import Query, search
from headrace.testkit.hub import HubProcess, hub, hub_process, make_keys


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with hub_process(tmp_path_factory.mktemp("journal")) as process:
        yield process


@pytest.fixture
def api(process: HubProcess, request: pytest.FixtureRequest) -> Iterator[Api]:
    name = re.sub(r"\W+", "-", request.node.name)
    pair = make_keys(process.data, name)
    api = Api(process.url, pair.key, pair.secret, name)
    yield api
    api.close()


def logs(process: HubProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "headrace", "logs", "--data", str(process.data), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_each_answer_has_an_id_that_finds_its_request(process: HubProcess, api: Api) -> None:
    sent = customer("C", zzz=1)
    made = api.call("POST", "/customers?x=1", sent)
    missing = api.call("GET", "/customers/external:nobody")
    time.sleep(0.6)
    (entry,) = search(process.data / JOURNAL, Query(id=made.headers["x-request-id"]))
    assert (entry.method, entry.path, entry.status) == ("POST", "/v1/customers?x=1", 201)
    assert (entry.organisation, entry.key) == (api.organisation, api.headers["X-Api-Key"])
    assert (entry.entity, entry.external_id, entry.ignored) == ("customer", "C", ("zzz", "?x"))
    assert json.loads(entry.sent) == sent
    assert json.loads(entry.answered) == made.body
    assert 0 < entry.ms < 10_000
    shown = logs(process, missing.headers["x-request-id"])
    assert "404 GET    /v1/customers/external:nobody" in shown.stdout
    assert '"statusCode": 404' in shown.stdout and 'curl -X GET "$HUB"/v1/customers' in shown.stdout
    assert api.headers["X-Api-Secret"] not in shown.stdout


def test_requests_with_wrong_keys_are_recorded_too(process: HubProcess, api: Api) -> None:
    answer = api.call("GET", "/customers", headers={"X-Api-Key": "wrong"})
    time.sleep(0.6)
    (entry,) = search(process.data / JOURNAL, Query(id=answer.headers["x-request-id"]))
    assert (entry.status, entry.organisation, entry.key) == (401, None, "(blanked)")
    unknown = "hub_" + "0" * 24
    answer = api.call("GET", "/customers", headers={"X-Api-Key": unknown})
    time.sleep(0.6)
    (entry,) = search(process.data / JOURNAL, Query(id=answer.headers["x-request-id"]))
    assert (entry.status, entry.key) == (401, unknown)


def test_an_organisation_that_the_hub_lacks_is_said_to_be_missing(
    process: HubProcess, api: Api
) -> None:
    unknown = logs(process, "--organisation", "nope")
    assert unknown.returncode == 6
    assert "there is no organisation nope: there is " in unknown.stderr
    assert api.organisation in unknown.stderr and "headrace logs --help" in unknown.stderr
    quiet = logs(process, "--organisation", api.organisation)
    assert (quiet.returncode, quiet.stdout) == (0, ""), "it is there, and sent nothing yet"


def test_requests_are_found_by_filters(process: HubProcess, api: Api) -> None:
    api.post("/customers", customer("C"))
    api.post("/customers", customer("C"), 200)
    api.get("/customers/external:C")
    api.refused("POST", "/customers", {"name": 5})
    time.sleep(0.6)

    def found(*arguments: str) -> list[tuple[str, int]]:
        done = logs(process, "--json", "--organisation", api.organisation, *arguments)
        assert done.returncode == 0, done.stderr
        return [(e["method"], e["status"]) for e in map(json.loads, done.stdout.splitlines())]

    assert found() == [("POST", 201), ("POST", 200), ("GET", 200), ("POST", 400)]
    assert found("--status", "2xx", "--match", "POST /v1") == [("POST", 201), ("POST", 200)]
    assert found("--status", "400") == [("POST", 400)]
    assert found("--match", " C", "--limit", "1") == [("GET", 200)]
    assert found("--match", "external:") == [("GET", 200)]
    assert "write one as 404 or a class as 4xx" in logs(process, "--status", "bad").stderr


def test_the_control_plane_lists_the_same_requests(process: HubProcess, api: Api) -> None:
    made = api.call("POST", "/customers", customer("C", zzz=1))
    api.refused("POST", "/customers", {"name": 5})
    time.sleep(0.6)
    base = f"/requests?organisation={api.organisation}"
    (created, refused) = process.control.call("GET", base)["requests"]
    assert (created["status"], refused["status"]) == (201, 400)
    assert created["id"] == made.headers["x-request-id"]
    assert json.loads(created["answered"]) == made.body
    assert api.headers["X-Api-Secret"] not in json.dumps(created)
    shown = logs(process, "--json", "--organisation", api.organisation).stdout.splitlines()
    assert [created, refused] == [json.loads(line) for line in shown]
    for query, expected in (
        ("status=4xx", [refused]),
        ("match=POST%20/v1/customers&limit=1", [refused]),
        (f"after={created['seq']}", [refused]),
        (f"after={refused['seq']}", []),
        ("entity=customer", [created, refused]),
        ("entity=invoice", []),
        ("record=C&customer=C", [created]),
        ("record=customers", [created, refused]),
        ("customer=nobody", []),
        (f"key={created['key']}&within=1", [refused]),
        ("key=hub_0", []),
    ):
        assert process.control.call("GET", f"{base}&{query}")["requests"] == expected
    assert process.control.call("GET", f"/requests/{created['id']}") == created


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/requests/req_0", 404, "The journal has no request req_0"),
        ("/requests?status=bad", 400, "bad is no status: write one as 404 or a class as 4xx"),
        ("/requests?limit=many", 400, "limit: Expected `int`"),
        ("/requests?limit=1001", 400, "limit: Expected `int` <= 1000"),
        ("/requests?organization=x", 400, "unknown field `organization`"),
    ],
)
def test_the_control_plane_refuses_invalid_searches(
    process: HubProcess, path: str, status: int, words: str
) -> None:
    with pytest.raises(Refused, match=re.escape(words)) as caught:
        process.control.call("GET", path)
    assert caught.value.status == status


def test_a_hub_without_a_journal_says_so() -> None:
    with hub() as running, pytest.raises(Refused, match="no hub has kept a journal") as caught:
        running.control.call("GET", "/requests")
    assert caught.value.status == 404


def test_follow_shows_new_requests(process: HubProcess, api: Api) -> None:
    command = [sys.executable, "-m", "headrace", "logs", "--data", str(process.data), "--json"]
    command += ["--follow", "--organisation", api.organisation]
    api.post("/customers", customer("before"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        first = json.loads(following.stdout.readline())
        api.post("/customers", customer("after"))
        second = json.loads(following.stdout.readline())
        following.terminate()
    assert (first["external_id"], second["external_id"]) == ("before", "after")


def test_the_oldest_requests_are_dropped_beyond_the_limit(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL
    journal = RequestJournal(path, 1_000_000)
    for number in range(1_000):
        journal(exchange(f"req_{number}", b"x" * 4_000))
        if number % 50 == 0:
            time.sleep(0.05)
    journal.close()
    kept = search(path, Query(limit=10_000))
    assert 200 < len(kept) < 260  # the oldest go by the row, and rows are small
    assert kept[-1].id == "req_999"
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 6_000_000


def test_the_newest_requests_stay_however_many_arrive_together(tmp_path: Path) -> None:
    journal = RequestJournal(tmp_path / JOURNAL, 1_000_000)
    for number in range(1_000):
        journal(exchange(f"req_{number}", b"x" * 4_000))
    journal.close()
    kept = search(tmp_path / JOURNAL, Query(limit=10_000))
    assert 200 < len(kept) < 260
    assert [entry.id for entry in kept] == [f"req_{n}" for n in range(1_000 - len(kept), 1_000)]
    assert [entry.seq for entry in kept] == sorted({entry.seq for entry in kept})


def test_a_greedy_organisation_pushes_out_its_own_entries_alone(tmp_path: Path) -> None:
    journal = RequestJournal(tmp_path / JOURNAL, 1_000_000)
    for number in range(20):
        journal(exchange(f"quiet_{number}", b"x" * 4_000, organisation="quiet"))
    for number in range(1_000):
        journal(exchange(f"greedy_{number}", b"x" * 16_000, organisation="greedy"))
    journal.close()
    kept = [entry.id for entry in search(tmp_path / JOURNAL, Query(limit=10_000))]
    assert len([id for id in kept if id.startswith("quiet")]) == 20
    assert kept[-1] == "greedy_999"


def test_links_that_grant_access_are_blanked(tmp_path: Path) -> None:
    journal = RequestJournal(tmp_path / JOURNAL, 1_000_000)
    answer = b'{"url":"http://h/portal/abc.DEF-1","pdfUrl":"http://h/pdf/x1?expires=9&sign=s3cr"}'
    journal(exchange("req_1", b"", answer))
    journal.close()
    (entry,) = search(tmp_path / JOURNAL, Query())
    assert json.loads(entry.answered) == {
        "url": "http://h/portal/(blanked)",
        "pdfUrl": "http://h/pdf/(blanked)",
    }


def exchange(id: str, sent: bytes, answered: bytes = b"{}", organisation: str = "acme") -> Exchange:
    record = LogRecord(1.0, 2.0, organisation, "POST", "/v1/x", 200, None, None, None, 1)
    return Exchange(id, SYSTEM_CLOCK.now(), "key", "/v1/x", record, sent, answered)
