"""The control plane: who may use it, and what it creates."""

from __future__ import annotations

import functools
import http.client
import json
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hub_api import ANY_ID, Api, customer
from jsonschema import Draft202012Validator

from headrace.cli.main import run
from headrace.control.access import TOKEN_FILE, TOKEN_VARIABLE, Access, find_token, make_token
from headrace.control.client import ControlClient, path_of
from headrace.control.description import control_document
from headrace.control.route import BASE
from headrace.control.routes import CONTROL_ROUTES
from headrace.model.errors import ConfigurationError, Forbidden, InvalidKey, Refused, Unreachable
from headrace.testkit.hub import RunningHub, hub, hub_process

BEARER = {"authorization": "Bearer secret"}


@contextmanager
def refused(status: int, part: str) -> Iterator[None]:
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.status == status
    assert part in str(caught.value)


@functools.cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(control_document())
    return document


@pytest.fixture
def ask(running: RunningHub, api: Api) -> Callable[..., Any]:
    """Call the control plane for the organisation of `api`; checks answers against OpenAPI."""

    def call(method: str, path: str, body: Any = None) -> Any:
        path = path.replace("{organisation}", api.organisation)
        answer = running.control.call(method, path, body)
        (route,) = (
            route
            for route in CONTROL_ROUTES
            if route.method == method
            and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route.path), path)
        )
        responses = _document()["paths"][f"{BASE}{route.path}"][method.lower()]["responses"]
        if answer is None:
            assert "204" in responses
        else:
            schema = responses[str(route.status)]["content"]["application/json"]["schema"]
            described = {**schema, "components": _document()["components"]}
            Draft202012Validator(described).validate(answer)
        return answer

    return call


# who may use it --------------------------------------------------------------------------------


def test_the_control_plane_needs_its_token(running: RunningHub, api: Api) -> None:
    connection = http.client.HTTPConnection(running.url.split("/")[2], timeout=10)
    token = find_token(running.folder)
    for headers, status in (
        ({}, 401),
        (api.headers, 401),
        ({"Authorization": f"Basic {token}"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": f"Bearer {token}x"}, 401),
        ({"Authorization": f"Bearer {token}", "X-Forwarded-For": "127.0.0.1"}, 403),
        ({"Authorization": f"Bearer {token}", "Forwarded": "for=127.0.0.1"}, 403),
        ({"Authorization": f"bearer {token}"}, 200),
    ):
        for path in ("/_hub/organisations", "/_hub/nothing"):
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            body = json.loads(response.read())
            assert response.status == (404 if (path, status) == ("/_hub/nothing", 200) else status)
            assert token not in json.dumps(body)
    connection.close()
    with pytest.raises(AssertionError, match="401"):
        api.headers = {"Authorization": f"Bearer {token}"}
        api.get("/customers")


def test_other_machines_are_admitted_only_if_configured() -> None:
    for peer in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"):
        Access("secret").check(peer, BEARER)
    for peer in ("10.0.0.1", "::ffff:10.0.0.1", "", None, "testclient"):
        with pytest.raises(Forbidden, match="--control anywhere"):
            Access("secret").check(peer, BEARER)
        Access("secret", "anywhere").check(peer, BEARER)
        with pytest.raises(InvalidKey):
            Access("secret", "anywhere").check(peer, {})


def test_the_token_is_created_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no token of the control plane"):
        find_token(tmp_path, {})
    token = make_token(tmp_path, {})
    assert len(token) >= 32
    assert stat.S_IMODE((tmp_path / TOKEN_FILE).stat().st_mode) == 0o600
    assert make_token(tmp_path, {}) == find_token(tmp_path, {}) == token
    assert make_token(tmp_path, {TOKEN_VARIABLE: "mine"}) == "mine"
    assert find_token(None, {TOKEN_VARIABLE: "mine"}) == "mine"
    with pytest.raises(ConfigurationError, match=TOKEN_VARIABLE):
        make_token(None, {})
    (tmp_path / TOKEN_FILE).write_text("")
    with pytest.raises(ConfigurationError, match="is empty"):
        make_token(tmp_path, {})


def test_one_flag_disables_the_control_plane(tmp_path: Path) -> None:
    with hub_process(tmp_path, options=["--control", "off"]) as process:
        client = ControlClient(process.origin, "any")
        with pytest.raises(Unreachable, match="--control off"):
            client.call("GET", "/organisations")
        connection = http.client.HTTPConnection(process.origin.split("/")[2], timeout=10)
        connection.request("GET", "/openapi.json")
        assert b"_hub" not in connection.getresponse().read()
        connection.close()
        assert not (tmp_path / TOKEN_FILE).exists()


def test_the_control_plane_works_with_several_workers(tmp_path: Path, database: str | None) -> None:
    options = ["--workers", "2", "--test-mode"]
    with hub_process(tmp_path, options=options, database=database) as process:
        process.control.call("POST", "/organisations", {"name": "acme"})
        pair = process.control.call("POST", "/organisations/acme/keys", {})
        process.clock_of("acme").freeze("2030-05-05")
        with refused(400, "--workers 1"):
            process.faults({"kind": "reset"})
        for number in range(8):  # each over a connection of its own: both workers answer some
            api = Api(process.url, pair["key"], pair["secret"], "acme")
            api.post("/customers", customer(f"C{number}"))
            made = api.post(f"/customers/external:C{number}/notes", {"content": "x"})
            assert made["createdAt"] == "2030-05-05T00:00:00.000Z"
            api.close()
            assert process.clock_of("acme").now() == "2030-05-05T00:00:00.000Z"
        process.control.call("DELETE", path_of("keys", pair["key"]))
        for _ in range(4):
            api = Api(process.url, pair["key"], pair["secret"], "acme")
            api.refused("GET", "/customers", status=401)
            api.close()


def test_a_database_without_a_folder_needs_the_variable(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    assert run(["serve", "--database", url, "--control", "loopback", "--port", "0"]) == 6
    assert TOKEN_VARIABLE in capfd.readouterr().err


# what is made by it ----------------------------------------------------------------------------


def test_organisations_and_keys_are_created_listed_and_revoked(
    running: RunningHub, ask: Callable[..., Any], api: Api
) -> None:
    name = f"{api.organisation} & søn"
    draft = {"name": name, "currency": "JPY", "timeZone": "Asia/Tokyo"}
    made = ask("POST", "/organisations", draft)
    assert made == {**draft, "clock": None}
    assert made in ask("GET", "/organisations")["organisations"]
    pair = ask("POST", f"{path_of('organisations', name)}/keys", {"name": "tests"})
    theirs = Api(running.url, pair["key"], pair["secret"], name)
    assert theirs.post("/customers", customer("C"))["externalId"] == "C"
    entry = next(key for key in ask("GET", "/keys")["keys"] if key["key"] == pair["key"])
    assert (entry["organisation"], entry["name"], entry["revokedAt"]) == (name, "tests", None)
    assert pair["secret"] not in json.dumps(ask("GET", "/keys"))
    assert ask("DELETE", path_of("keys", pair["key"])) is None
    theirs.refused("GET", "/customers", status=401)
    theirs.close()
    with refused(404, "There is no key hub_nobody."):
        ask("DELETE", "/keys/hub_nobody")
    with refused(400, "There is no active key"):
        ask("DELETE", path_of("keys", pair["key"]))
    with refused(404, "There is no organisation nobody here."):
        ask("POST", "/organisations/nobody/keys", {})
    for body, sentence in (
        (draft, "exists already"),
        ({"name": "x", "currency": "EURO"}, "currency: 'EURO' is not"),
        ({"name": "x", "timeZone": "Mars"}, "Mars is no time zone"),
        ({"name": "a/b"}, "name: "),
        ({"name": "x", "colour": "red"}, "unknown field `colour`"),
        ({}, "name: is required."),
    ):
        with refused(400, sentence):
            ask("POST", "/organisations", body)


def test_the_control_plane_creates_what_the_api_only_reads(
    ask: Callable[..., Any], api: Api
) -> None:
    of = "/organisations/{organisation}"
    user = ask("POST", f"{of}/users", {"email": "anna@example.com", "firstName": "Anna"})
    account = ask(
        "POST", f"{of}/bank_accounts", {"name": "Main", "iban": "FR76", "currency": "EUR"}
    )
    plan = ask("POST", f"{of}/dunning_plans", {"name": "Gentle"})
    assert api.get("/users")["users"] == [user]
    assert user == {
        "id": ANY_ID,
        "firstName": "Anna",
        "lastName": None,
        "email": "anna@example.com",
        "position": None,
    }
    assert api.get("/bank_accounts")["bankAccounts"] == [account]
    assert api.get("/dunning_plans")["items"] == [plan]
    api.post("/customers", customer("C", accountManagerId=user["id"], dunningPlanId=plan["id"]))
    draft = {"name": "Call", "type": "TASK", "customer": {"externalId": "C"}}
    action = ask("POST", f"{of}/actions", {**draft, "dunningPlanId": plan["id"]})
    assert api.get("/actions")["items"] == [action]
    for path in (f"{of}/users/{user['id']}", f"{of}/dunning_plans/{plan['id']}"):
        with refused(400, "is named by"):
            ask("DELETE", path)
    api.call("PUT", "/customers/external:C", {"accountManagerId": None, "dunningPlanId": None})
    ask("DELETE", f"{of}/users/{user['id']}")
    ask("DELETE", f"{of}/dunning_plans/{plan['id']}")
    ask("DELETE", f"{of}/bank_accounts/{account['id']}")
    for path in ("/users", "/dunning_plans", "/bank_accounts"):
        assert api.get(path)["total"] == 0
    with refused(404, "There is no user with id"):
        ask("DELETE", f"{of}/users/{user['id']}")
    with refused(400, "no customer with externalId D exists"):
        ask("POST", f"{of}/actions", {**draft, "customer": {"externalId": "D"}})


def test_positions_are_set_and_listed(ask: Callable[..., Any], api: Api) -> None:
    of = "/organisations/{organisation}/positions"
    seeded = ["ACCOUNTING", "PAYER", "PURCHASER", "SALES"]
    assert ask("GET", of) == {"positions": seeded}
    for name in ('CFO_1 50% "x"', "CFO_1"):
        assert ask("POST", of, {"name": name}) == {"name": name}
    contact = {"email": "a@example.com", "position": 'CFO_1 50% "x"'}
    api.post("/customers", customer("C", contacts=[contact]))
    with refused(400, "change those first"):
        ask("DELETE", path_of("organisations", api.organisation, "positions", contact["position"]))
    ask("DELETE", f"{of}/CFO_1")
    assert "CFO_1" not in ask("GET", of)["positions"]
    with refused(404, "There is no position CFO_1."):
        ask("DELETE", f"{of}/CFO_1")


def test_unknown_methods_and_paths_are_refused(running: RunningHub) -> None:
    with refused(405, "this path takes GET, POST."):
        running.control.call("PUT", "/organisations", {})
    with refused(405, "OPTIONS is not served here"):
        running.control.call("OPTIONS", "/faults")
    with refused(404, "There is no GET /_hub/nothing in the control plane."):
        running.control.call("GET", "/nothing")
    with refused(400, "not valid JSON"):
        running.control.call("POST", "/organisations", b"{")


def test_a_hub_in_a_test_keeps_its_token_with_its_data(tmp_path: Path) -> None:
    with hub(folder=tmp_path) as running:
        assert make_token(tmp_path)
        assert running.control.call("GET", "/organisations")["organisations"]
