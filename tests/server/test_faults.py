"""Faults: the effect of each kind on a client, which requests they hit, and their reports."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hub_api import Api, customer, invoice
from test_control import refused

from headrace.server.faults.kinds import KINDS, merged
from headrace.server.faults.play import EXIT_CODE
from headrace.testkit.hub import RunningHub, hub_process, make_keys

DOCS = Path(__file__).parents[2] / "docs"


class Meeting:
    """Sends requests of one organisation, each over a new connection, and arms its faults."""

    def __init__(self, running: RunningHub, api: Api) -> None:
        self.running = running
        self.api = api

    def faults(self, *faults: dict[str, Any], **options: Any) -> Any:
        return self.running.faults(*faults, organisation=self.api.organisation, **options)

    def send(self, name: str = "C", headers: dict[str, str] | None = None) -> Any:
        """Import a customer; returns (status, headers, body)."""
        connection = http.client.HTTPConnection(self.running.url.split("/")[2], timeout=10)
        try:
            sent = {**self.api.headers, **(headers or {}), "Content-Type": "application/json"}
            connection.request("POST", "/v1/customers", json.dumps(customer(name)), sent)
            response = connection.getresponse()
            named = {key.lower(): value for key, value in response.getheaders()}
            return response.status, named, response.read()
        finally:
            connection.close()

    @property
    def stored(self) -> int:
        return int(self.api.get("/customers")["total"])


@pytest.fixture
def meeting(running: RunningHub, api: Api) -> Meeting:
    return Meeting(running, api)


# the kinds -------------------------------------------------------------------------------------


def test_a_status_fault_answers_with_that_status(meeting: Meeting) -> None:
    faults = (
        {"kind": "status", "status": 429},
        {"kind": "status", "status": 429, "retryAfter": 7},
        {"kind": "status", "status": 503, "message": "Down."},
        {"kind": "status", "status": 599},
    )
    with meeting.faults(*faults) as script:
        answers = [meeting.send() for _ in faults]
        assert script.done
    assert [status for status, _, _ in answers] == [429, 429, 503, 599]
    assert [headers.get("retry-after") for _, headers, _ in answers] == ["1", "7", None, None]
    assert json.loads(answers[2][2]) == {
        "statusCode": 503,
        "error": "Service Unavailable",
        "message": "Down.",
        "details": [],
    }
    assert meeting.stored == 0


def test_an_html_fault_answers_with_a_page(meeting: Meeting) -> None:
    with meeting.faults({"kind": "html"}):
        status, headers, body = meeting.send()
    assert (status, headers["content-type"]) == (502, "text/html")
    assert body.startswith(b"<html>")
    assert meeting.stored == 0


def test_a_latency_fault_delays_the_answer(meeting: Meeting) -> None:
    for fault in (
        {"kind": "latency", "seconds": 0.1},
        {"kind": "log-normal-latency", "median": 0.1, "sigma": 0},
    ):
        with meeting.faults(fault):
            start = time.monotonic()
            assert meeting.send()[0] in (200, 201)
            assert time.monotonic() - start >= 0.1


def test_reset_and_stall_store_nothing(meeting: Meeting) -> None:
    with meeting.faults({"kind": "reset"}), pytest.raises(ConnectionResetError):
        meeting.send()
    with meeting.faults({"kind": "stall", "seconds": 0.1}):
        start = time.monotonic()
        with pytest.raises(http.client.RemoteDisconnected):
            meeting.send()
        assert time.monotonic() - start >= 0.099, "timers count milliseconds"
    assert meeting.stored == 0


def test_requests_with_truncated_or_lost_answers_are_stored(meeting: Meeting) -> None:
    with meeting.faults({"kind": "truncated"}), pytest.raises(http.client.IncompleteRead) as cut:
        meeting.send("C")
    assert cut.value.partial.startswith(b'{"externalId":"C"')
    with meeting.faults({"kind": "reply-lost"}), pytest.raises(http.client.RemoteDisconnected):
        meeting.send("D")
    assert meeting.stored == 2


def test_altered_answers_do_not_change_what_is_stored(meeting: Meeting) -> None:
    with meeting.faults({"kind": "altered", "patch": {"name": "x", "address": None}}):
        answer = json.loads(meeting.send()[2])
    stored = meeting.api.get("/customers/external:C")
    del stored["address"]
    assert answer == {**stored, "name": "x"}


def test_answers_are_altered_by_merge_patches() -> None:
    for target, patch, result in (
        ({"a": 1, "b": 2}, {"a": None, "c": {"d": None, "e": 1}}, {"b": 2, "c": {"e": 1}}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ([1], {"a": 1}, {"a": 1}),
        ({"a": 1}, "x", "x"),
    ):
        assert merged(target, patch) == result


@pytest.mark.parametrize("point", ["before", "after"])
def test_the_process_ends_before_or_after_the_commit(
    tmp_path: Path, point: str, database: str | None
) -> None:
    with hub_process(tmp_path, database=database) as process:
        pair = make_keys(process.place, "acme")
        api = Api(process.url, pair.key, pair.secret, "acme")
        api.post("/customers", customer("C"))
        fault = {"kind": f"exit-{point}-commit", "on": "POST /invoices"}
        process.faults(fault, organisation="acme")
        assert api.get("/customers")["total"] == 1
        with pytest.raises(http.client.RemoteDisconnected):
            api.post("/invoices", invoice("I", "C"))
        api.close()
        assert process.wait() == EXIT_CODE
        process.start()
        again = Api(process.url, pair.key, pair.secret, "acme")
        assert again.get("/invoices")["total"] == (1 if point == "after" else 0)
        again.close()


def test_every_kind_is_documented() -> None:
    text = (DOCS / "hub-control.md").read_text("utf-8")
    for kind in KINDS:
        assert f"| `{kind.__struct_config__.tag}` |" in text


# whom they hit ---------------------------------------------------------------------------------


def test_each_operation_has_its_own_order(meeting: Meeting) -> None:
    api = meeting.api
    faults = (
        {"kind": "status", "status": 500, "on": "POST /customers", "times": 2},
        {"kind": "status", "status": 503, "on": "* /customers/{}/contacts"},
        {"kind": "status", "status": 502, "on": "POST /customers"},
        {"kind": "status", "status": 504, "on": "GET /invoices"},
    )
    with meeting.faults(*faults) as script:
        assert [meeting.send()[0] for _ in range(4)] == [500, 500, 502, 201]
        assert api.call("GET", "/customers/external:C/contacts").status == 503
        assert api.get("/customers/external:C/contacts")["total"] == 0
        report = script.report()
    assert [(fault["fired"], fault["left"]) for fault in report["faults"]] == [
        (2, 0), (1, 0), (1, 0), (0, 1),
    ]  # fmt: skip
    assert not report["done"]
    assert [fault["fault"] for fault in report["faults"]] == list(faults)
    first = report["faults"][0]["requests"][0]
    assert (first["method"], first["path"]) == ("POST", "/customers")
    told = [e.fault for e in meeting.running.requests() if e.organisation == api.organisation]
    assert told.count("status") == 4


def test_a_header_binds_a_script_to_its_requests(
    meeting: Meeting, new_api: Callable[..., Api]
) -> None:
    fault = {"kind": "status", "status": 500}
    other = Meeting(meeting.running, new_api())
    with (
        meeting.faults(fault, bound="header") as one,
        meeting.faults(fault, bound="header") as two,
    ):
        assert meeting.send("A")[0] == 201
        assert meeting.send("B", {"x-headrace-faults": "nothing"})[0] == 201
        assert meeting.send("C", one.headers)[0] == 500
        assert meeting.send("D", one.headers)[0] == 201
        assert not two.done
        assert other.send("E", two.headers)[0] == 500
    with meeting.faults(fault):
        assert other.send("F")[0] == 201, "an organisation's faults are its own"
        assert meeting.send("F")[0] == 500


def test_a_seed_decides_which_requests_a_rate_hits(meeting: Meeting) -> None:
    fault = {"kind": "status", "status": 503, "rate": 0.3}
    runs = []
    for seed in (1, 1, 2):
        with meeting.faults(fault, seed=seed) as script:
            runs.append([meeting.api.call("GET", "/customers").status for _ in range(40)])
            assert script.report()["faults"][0]["left"] is None
            assert script.done
    assert runs[0] == runs[1] != runs[2]
    assert 3 <= runs[0].count(503) <= 24


def test_a_lost_reply_is_in_the_log_without_a_status(meeting: Meeting) -> None:
    with meeting.faults({"kind": "reply-lost"}), pytest.raises(http.client.RemoteDisconnected):
        meeting.send()
    (told,) = (
        entry
        for entry in meeting.running.requests()
        if entry.organisation == meeting.api.organisation
    )
    assert (told.status, told.fault, told.external_id) == (0, "reply-lost", "C")


def test_invalid_faults_are_refused(meeting: Meeting) -> None:
    for fault, sentence in (
        ({"kind": "nope"}, "faults[0].kind: "),
        ({"kind": "status"}, "faults[0].status: is required."),
        ({"kind": "status", "status": 200}, "faults[0].status: "),
        ({"kind": "reset", "time": 2}, "unknown field `time`"),
        ({"kind": "reset", "rate": 0}, "faults[0].rate: "),
        ({"kind": "reset", "on": "POST /invoice"}, "faults[0].on: there is no POST /invoice in"),
        ({"kind": "reset", "on": "PATCH /invoices"}, "is not a method and a path below /v1"),
        ({"kind": "exit-after-commit"}, "would end with it; use headrace.testkit.hub.hub_process"),
    ):
        with refused(400, sentence):
            meeting.faults(fault)
    with refused(400, "faults: "):
        meeting.faults()
    with refused(404, "There is no organisation nobody here."):
        meeting.running.faults({"kind": "reset"}, organisation="nobody")
    with refused(404, "There is no script of faults nobody."):
        meeting.running.control.call("GET", "/faults/nobody")


def test_all_scripts_can_be_disarmed(meeting: Meeting) -> None:
    control = meeting.running.control
    meeting.faults({"kind": "reset", "times": 9})
    named = control.call("POST", "/faults", {"id": "mine", "faults": [{"kind": "reset"}]})
    assert named["id"] == "mine"
    assert len(control.call("GET", "/faults")["scripts"]) == 2
    control.call("DELETE", "/faults")
    assert control.call("GET", "/faults") == {"scripts": []}
    assert meeting.send()[0] == 201
