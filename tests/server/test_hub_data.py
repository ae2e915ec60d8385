"""An organisation's data as a whole: reset, and filled from a seed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hub_api import Api, customer, invoice, payment, to_invoice
from test_control import refused

from headrace.cli.main import run
from headrace.store.admin.check import check_database
from headrace.store.engine.place import snapshot
from headrace.testkit.hub import RunningHub, make_keys

SHOP = Path(__file__).parents[2] / "examples" / "seed" / "shop.jsonl"
LISTS = (
    "/customers", "/invoices", "/payments", "/credit_notes", "/refunds", "/users",
    "/bank_accounts", "/dunning_plans", "/actions", "/custom_fields",
)  # fmt: skip


def lines(*calls: dict[str, Any]) -> str:
    return "\n".join(json.dumps(call) for call in calls)


def call(path: str, body: Any = None, method: str = "POST", **more: Any) -> dict[str, Any]:
    return {"method": method, "path": path, **({"body": body} if body else {}), **more}


def _findings(running: RunningHub) -> list[str]:
    with snapshot(running.place) as db:
        return [str(finding) for finding in check_database(db)]


# reset -----------------------------------------------------------------------------------------


def _fill(running: RunningHub, api: Api) -> None:
    running.seed(SHOP.read_bytes(), api.organisation)
    field = {"label": "Region", "dataType": "SELECT", "entityType": "CUSTOMER", "externalId": "r"}
    api.post("/custom_fields", field)
    values = [{"externalId": "r", "value": "North"}]
    api.call("PUT", "/customers/external:lumen", {"customFields": values})
    refund = {"externalId": "R", "currency": "EUR", "amount": 5, "validatedAt": "2026-03-01"}
    api.post("/payments", payment("P", "lumen", 5))
    reference = [{"amountLinked": 5, "payment": {"externalId": "P"}}]
    customer_of = {"customer": {"externalId": "lumen"}}
    api.post("/refunds", {**refund, **customer_of, "linkedPayments": reference})
    api.post("/invoices", invoice("I", "lumen", 7))
    api.post("/payments", payment("Q", "lumen", 7))
    both = {
        "invoices": [{"externalId": "I", "amountLinked": 7}],
        "payments": [{"externalId": "Q", "amountLinked": 7}],
        "refunds": [],
        "creditNotes": [],
    }
    api.post("/reconcile", {"externalId": "rec", **both})
    api.post("/customers/external:lumen/portal", {})
    assert api.call("POST", "/invoices/external:I/pdf", {"data": "JVBERi0xLjc="}).status == 204


def test_a_reset_leaves_the_keys_alone(running: RunningHub, new_api: Callable[..., Api]) -> None:
    api, other = new_api(), new_api()
    for one in (api, other):
        _fill(running, one)
    theirs = {path: other.get(path) for path in LISTS}
    assert all(theirs[path]["total"] for path in LISTS)
    running.clock_of(api.organisation).freeze("2031-01-01")
    running.faults({"kind": "status", "status": 500, "times": 99}, organisation=api.organisation)
    running.reset(api.organisation)
    assert {path: api.get(path)["total"] for path in LISTS} == dict.fromkeys(LISTS, 0)
    assert running.clock_of(api.organisation).now() < "2031"
    positions = running.control.call("GET", f"/organisations/{api.organisation}/positions")
    assert "TREASURY" not in positions["positions"]
    assert {path: other.get(path) for path in LISTS} == theirs
    assert _findings(running) == []
    _fill(running, api)
    assert api.get("/customers/external:nordwind")["balance"] == 39_500
    assert _findings(running) == []


# seeds -----------------------------------------------------------------------------------------


def test_a_seed_consists_of_api_calls(running: RunningHub, api: Api) -> None:
    answer = running.seed(SHOP.read_bytes(), api.organisation)
    assert answer["lines"] == 15
    assert answer["made"]["invoices"] == 4
    nordwind = api.get("/customers/external:nordwind")
    assert nordwind["id"] == answer["named"]["nordwind"]
    assert nordwind["accountManagerId"] == answer["named"]["anna"]
    assert nordwind["balance"] == 39_500
    assert api.get("/customers/external:lumen")["balance"] == 23_800 - 3_800 + 4_760
    assert api.get("/actions")["items"][0]["dunningPlan"]["name"] == "Friendly"
    assert running.seed(SHOP.read_bytes(), api.organisation)["lines"] == 15
    assert api.get("/invoices")["total"] == 4, "imports find what is there"


def test_a_seed_can_delete_as_well(running: RunningHub, api: Api) -> None:
    text = lines(
        call("/customers", customer("C")),
        call("/customers", customer("D"), **{"as": "d"}),
        call("/customers/external:C", {"name": "New"}, "PUT"),
        call("/customers/{d}", None, "DELETE"),
        call("/_hub/organisations/{organisation}/users", {"email": "a@x.io"}, **{"as": "a"}),
        call("/_hub/organisations/{organisation}/users/{a}", None, "DELETE"),
    )
    running.seed(text, api.organisation)
    assert [one["name"] for one in api.get("/customers")["customers"]] == ["New"]
    assert api.get("/users")["total"] == 0


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "line 3: The body is not valid JSON"),
        ('{"method": "POST"}', "line 3: path: is required."),
        ('{"method": "POST", "path": "/x", "bdy": 1}', "line 3: The body can't be used: "),
        (lines(call("/customers", None, "GET")), "line 3: a seed only changes"),
        (lines(call("/nothing", {"a": 1})), "line 3 (POST /nothing): There is no POST"),
        (lines(call("/customers", {"externalId": "x"})), "line 3 (POST /customers): "),
        (lines(call("/customers", customer("x", accountManagerId="{nobody}"))), "{nobody}: no"),
        (lines(call("/invoices/external:I/pdf", {"data": ""})), "PDFs can't be part of a seed"),
        (lines(call("/_hub/organisations/acme/users", {"email": "a"})), "write {organisation}"),
        (lines(call("/_hub/organisations", {"name": "a"})), "for seeds in the control plane"),
        (
            lines(call("/payments", payment("P", "C", 1, linkedInvoices=[to_invoice("I", 9)]))),
            "line 3 (POST /payments): ",
        ),
    ],
)
def test_a_refused_line_undoes_the_seed(
    running: RunningHub, api: Api, line: str, sentence: str
) -> None:
    first = lines(call("/customers", customer("C")), call("/invoices", invoice("I", "C", 5)))
    with refused(400, sentence) as _:
        running.seed(f"{first}\n{line}\n", api.organisation)
    assert api.get("/customers")["total"] == 0
    assert api.get("/invoices")["total"] == 0


def test_the_commands_do_the_same(
    running: RunningHub, api: Api, capfd: pytest.CaptureFixture[str]
) -> None:
    made = []
    for _ in range(2):
        assert run(["hub", "reset", api.organisation, "--yes", *running.options]) == 0
        running.clock_of(api.organisation).freeze("2026-04-01")
        command = ["hub", "seed", api.organisation, str(SHOP), "--seed", "7", *running.options]
        assert run(command) == 0
        made.append({path: api.get(path) for path in LISTS})
    assert made[0] == made[1], "the same seed, the same ids"
    assert made[0]["/invoices"]["total"] == 4
    assert "15 lines played: 1 actions" in capfd.readouterr().out
    assert run(["hub", "seed", api.organisation, "/nowhere/x", *running.options]) == 6
    assert run(["hub", "seed", api.organisation, "/dev/zero", *running.options]) == 6
    assert run(["hub", "reset", "nobody", *running.options]) == 6
    assert "There is no organisation nobody here." in capfd.readouterr().err


def test_a_reset_asks_first_and_needs_yes_where_nobody_can_be_asked(
    running: RunningHub,
    api: Api,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api.post("/customers", customer("C"))
    command = ["hub", "reset", api.organisation, *running.options]
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert run(command) == 6
    assert "Nothing was removed: add --yes where nobody can be asked." in capfd.readouterr().err
    for answer, code, left in (("n\n", 130, 1), ("\n", 130, 1), ("y\n", 0, 0)):
        terminal = io.StringIO(answer)
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr("sys.stdin", terminal)
        assert run(command) == code
        asked = capfd.readouterr().err
        assert f"Remove all data of {api.organisation}, for good?" in asked
        assert ("Nothing was removed." in asked) == (code == 130)
        assert api.get("/customers")["total"] == left


def test_clock_and_faults_by_command(
    running: RunningHub, api: Api, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    where = ["--url", running.url.removesuffix("/v1"), "--data", str(running.folder)]
    clock = ["hub", "clock", api.organisation, *where]
    assert run([*clock, "--freeze", "2026-03-01", "--advance", "1d"]) == 0
    assert "2026-03-02T00:00:00.000Z  stopped" in capfd.readouterr().out
    assert run([*clock, "--real"]) == 0
    assert "real time" in capfd.readouterr().out
    assert run([*clock, "--advance", "x"]) == 6
    assert "is not an interval" in capfd.readouterr().err
    script = tmp_path / "script.json"
    fault = {"kind": "status", "status": 500, "on": "GET /invoices"}
    script.write_text(json.dumps({"organisation": api.organisation, "faults": [fault]}))
    assert run(["hub", "faults", str(script), "--clear", *where]) == 0
    assert "status  GET /invoices  0 fired, 1 left" in capfd.readouterr().out
    assert api.call("GET", "/invoices").status == 500
    assert run(["hub", "faults", *where]) == 0
    assert "status  GET /invoices  1 fired, 0 left" in capfd.readouterr().out
    assert run(["hub", "faults", "--clear", *where]) == 0
    assert run(["hub", "clock", "x", "--url", "http://127.0.0.1:1", *where[2:]]) == 5


def test_the_seed_of_the_readme_needs_nothing_running(tmp_path: Path) -> None:
    make_keys(tmp_path, "shop")
    assert run(["hub", "seed", "shop", str(SHOP), "--data", str(tmp_path)]) == 0
    assert run(["hub", "check", "--data", str(tmp_path)]) == 0


def test_a_profile_fills_an_organisation_in_the_place_of_a_file(
    running: RunningHub, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["hub", "seed", api.organisation, "saas", "--entities", "60", "--seed", "3"]
    assert run([*command, *running.options, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)["made"]
    assert sum(made.values()) >= 60
    assert api.get("/invoices")["total"] == made["invoices"]
    assert run([*command, *running.options]) == 0
    assert api.get("/invoices")["total"] == made["invoices"], "the second time it updates"
