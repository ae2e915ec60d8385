"""The conformance suite: the hub passes it, it finds wrong behaviour, and it leaves no records."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from administration import Administration
from hub_api import Api

from headrace.cli.main import run as run_command
from headrace.client.answer import Answer
from headrace.client.transport import HttpTransport
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.collection import ActionDraft
from headrace.server.routes import ROUTES, match
from headrace.store.records.actions import make_action
from headrace.store.records.directory import make_user
from headrace.testkit.conformance import recording
from headrace.testkit.conformance.cases import CASES
from headrace.testkit.conformance.evidence import Case, Evidence
from headrace.testkit.conformance.server import Server, ServerUnderTest
from headrace.testkit.conformance.suite import Outcome, Result, run_cases
from headrace.testkit.hub import RunningHub

KINDS = ("customers", "invoices", "credit_notes", "payments", "refunds", "custom_fields")


def _target(api: Api, running: RunningHub) -> ServerUnderTest:
    return ServerUnderTest(
        running.url, api.headers["X-Api-Key"], api.headers["X-Api-Secret"], 100_000, 5
    )


def _run(
    target: ServerUnderTest, cases: Sequence[Case], make: Callable[..., Server] = Server
) -> dict[str, Result]:
    async def go() -> dict[str, Result]:
        arguments = (target.url, target.key, target.secret, target.timeout, target.in_flight)
        async with HttpTransport(*arguments) as transport:
            stream = run_cases(make(target, transport, SYSTEM_CLOCK), cases, "run-1")
            return {result.case.name: result async for result in stream}

    return asyncio.run(go())


def _named(*names: str) -> list[Case]:
    found = [case for case in CASES if case.name in names]
    assert len(found) == len(names)
    return found


def _left(api: Api) -> dict[str, int]:
    totals = {kind: api.get(f"/{kind}")["total"] for kind in KINDS}
    return {kind: total for kind, total in totals.items() if total}


def test_every_route_has_a_case_and_every_case_a_rule() -> None:
    proved = {operation for case in CASES for operation in case.operations}
    assert proved == {f"{route.method} {route.path}" for route in ROUTES}
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        assert case.rule.endswith("."), case.name
        assert case.operations or case.topic == "unserved", case.name
    for evidence in set(Evidence) - {Evidence.LEARNED}:
        assert sum(case.evidence is evidence for case in CASES) > 20


# The suite's own ways are the same whatever database is behind.
on_one_engine = pytest.mark.parametrize("running", ["sqlite"], indirect=True)


@on_one_engine
def test_the_hub_passes_and_no_record_remains(api: Api, running: RunningHub) -> None:
    _passes(api, running)


@pytest.mark.soak
def test_the_hub_passes_on_each_engine(api: Api, running: RunningHub) -> None:
    _passes(api, running)


def _passes(api: Api, running: RunningHub) -> None:
    """Each case sends the operations that it claims to cover, and deletes all that it created."""
    office = Administration(running, api)
    office.make(make_user, email="ann@x.test")
    office.make(make_user, email="bob@x.test")
    office.make(make_action, ActionDraft(name="Call", type="CALL"))
    results = _run(_target(api, running), CASES)
    wrong = [(name, r.said) for name, r in results.items() if r.outcome is not Outcome.PASSED]
    assert wrong == []
    assert [path for result in results.values() for path in result.left] == []
    assert _left(api) == {}
    for name, result in results.items():
        sent = set()
        for exchange in result.exchanges:
            if not name.startswith(("unserved.", "errors.another_method")):
                route, _ = match(exchange.method, exchange.path.partition("?")[0].encode())
                sent.add(f"{route.method} {route.path}")
        if sent:
            assert set(result.case.operations) <= sent, name


class Liar(Server):
    """A server that answers differently from the hub behind it."""

    async def send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        answer = await super().send(method, path, body, headers)
        if answer.status == 201:
            return Answer(200, answer.headers, answer.body)
        return Answer(
            answer.status, answer.headers, answer.body.replace(b'"companyName"', b'"name"')
        )


@on_one_engine
def test_a_wrong_server_fails_and_one_that_differs_does_not(api: Api, running: RunningHub) -> None:
    names = {
        "payments.its_answer": Outcome.FAILED,
        "custom_fields.one_is_created": Outcome.FAILED,
        "customers.statuses_tell_new_from_changed": Outcome.DIFFERS,
        "customers.an_import_makes_one": Outcome.PASSED,
    }
    results = _run(_target(api, running), _named(*names), Liar)
    assert {name: result.outcome for name, result in results.items()} == names
    said = results["payments.its_answer"].said
    assert said == "its customer lacks companyName"
    assert "answers 200" in results["customers.statuses_tell_new_from_changed"].said
    assert _left(api) == {}, "a case that fails cleans up as well"


@on_one_engine
def test_records_that_cannot_be_deleted_are_reported(api: Api, running: RunningHub) -> None:
    class Keeper(Server):
        async def send(self, method: str, path: str, *rest: Any) -> Answer:
            if method == "DELETE":
                return Answer(403, {}, b'{"message":"no"}')
            return await super().send(method, path, *rest)

    results = _run(_target(api, running), _named("payments.its_answer"), Keeper)
    (result,) = results.values()
    assert result.outcome is Outcome.PASSED
    assert [path.partition(" ")[0] for path in result.left] == [
        "/payments/external:run-1-1-P",
        "/invoices/external:run-1-1-I",
        "/customers/external:run-1-1-C",
    ]


@on_one_engine
def test_stopping_early_deletes_what_was_created(api: Api, running: RunningHub) -> None:
    async def go() -> int:
        target = _target(api, running)
        arguments = (target.url, target.key, target.secret, target.timeout, target.in_flight)
        async with HttpTransport(*arguments) as transport:
            server = Server(target, transport, SYSTEM_CLOCK)
            some = [case for case in CASES if case.topic in ("payments", "refunds")]
            stream = run_cases(server, some, "run-1")
            await anext(stream)
            assert _left(api) != {}, "others are under way"
            await stream.aclose()
            return len(some)

    assert asyncio.run(go()) > 10
    assert _left(api) == {}


@on_one_engine
def test_two_runs_of_one_server_are_recorded_alike(
    api: Api, running: RunningHub, tmp_path: Path
) -> None:
    """Ids, times, links and totals differ between runs, so they are blanked."""
    cases = [case for case in CASES if case.topic in ("payments", "contacts", "pdfs", "portal")]
    for name in ("one.json", "two.json"):
        results = _run(_target(api, running), cases)
        recording.save(recording.record(running.url, results.values()), tmp_path / name)
        api.post("/customers", {"externalId": name, "name": "in the way"})
    one, two = (recording.load(tmp_path / name) for name in ("one.json", "two.json"))
    assert list(recording.compare(one, two)) == []
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    text = (tmp_path / "one.json").read_text()
    assert "run-1" not in text
    assert running.url.partition("/v1")[0] + "/p" not in text, "links are blanked"
    changed = tmp_path / "changed.json"
    changed.write_text(text.replace('"amountLinked":400', '"amountLinked":401'))
    lied = recording.load(changed)
    places = [found.place for found in recording.compare(one, lied)]
    assert any(place.endswith("body.amountLinked") for place in places)


@pytest.fixture
def arguments(api: Api, running: RunningHub, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("HEADRACE_KEY", api.headers["X-Api-Key"])
    monkeypatch.setenv("HEADRACE_SECRET", api.headers["X-Api-Secret"])
    return ["conformance", "--base-url", running.url, "--rate", "100000"]


@on_one_engine
def test_the_command(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], api: Api
) -> None:
    kept = tmp_path / "answers.json"
    more = ["--only", "refunds.", "--record", str(kept), "--json"]
    assert run_command([*arguments, *more]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {entry["outcome"] for entry in document["results"]} == {"passed"}
    assert document["left"] == document["differences"] == []
    assert run_command([*arguments, "--only", "refunds.", "--compare", str(kept)]) == 0
    capsys.readouterr()
    other = tmp_path / "other.json"
    other.write_text(kept.read_text().replace('"companyName"', '"name"'))
    assert run_command(["conformance", "--compare", str(kept), "--compare", str(other)]) == 9
    assert "body.customer.companyName: " in capsys.readouterr().out
    assert run_command(["conformance", "--list", "--only", "POST /reconcile"]) == 0
    assert "(observed: older reference)" in capsys.readouterr().out
    assert _left(api) == {}


@on_one_engine
def test_the_command_refuses_invalid_arguments(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([*arguments, "--only", "no such case"]) == 6
    assert run_command(["conformance"]) == 6
    assert run_command([*arguments, "--key", "hub_123"]) == 6
    assert "env:NAME or file:PATH" in capsys.readouterr().err
    monkeypatch.setenv("HEADRACE_SECRET", "wrong")
    assert run_command(arguments) == 6
    assert "does not accept the key pair" in capsys.readouterr().err
    assert run_command([*arguments[:2], arguments[2].removesuffix("/v1"), "--rate", "9999"]) == 5
    assert "Does the base URL end with the version" in capsys.readouterr().err


@on_one_engine
def test_ctrl_c_deletes_what_was_created(arguments: list[str], api: Api) -> None:
    slow = [*arguments[:3], "--rate", "100000", "--in-flight", "1"]
    command = [sys.executable, "-m", "headrace", *slow]
    for _ in range(5):  # on a busy machine it may be through before it is interrupted
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            while not _left(api):
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        if process.returncode:
            break
    assert process.returncode == 130, said
    assert said == "Deleting what was made; Ctrl-C again leaves it …\nerror: interrupted\n"
    assert _left(api) == {}
