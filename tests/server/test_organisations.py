"""Keys, and the separation of organisations."""

from __future__ import annotations

import json
import sys
import zoneinfo
from collections.abc import Callable

import pytest
from hub_api import Api, customer, invoice, payment, to_invoice
from typer.testing import CliRunner

from headrace.cli.keys import app
from headrace.model.errors import ConfigurationError
from headrace.server.process.run import DATABASE
from headrace.testkit.hub import RunningHub

MISSING = "The headers X-Api-Key and X-Api-Secret are needed on every request."
WRONG = (
    "X-Api-Key and X-Api-Secret are not those of a key that is in force: check them, or make a "
    "new key."
)


def keys(*arguments: str) -> str:
    """Run a `headrace keys` command that must succeed; returns its output."""
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_wrong_keys_are_401(new_api: Callable[..., Api]) -> None:
    api, other = new_api(), new_api()
    good = api.headers
    for headers, sentence in (
        ({}, MISSING),
        ({"X-Api-Key": good["X-Api-Key"]}, MISSING),
        ({"X-Api-Secret": good["X-Api-Secret"]}, MISSING),
        ({**good, "X-Api-Secret": ""}, MISSING),
        ({**good, "X-Api-Secret": "x"}, WRONG),
        ({**good, "X-Api-Key": "x"}, WRONG),
        ({**good, "X-Api-Secret": other.headers["X-Api-Secret"]}, WRONG),
    ):
        api.headers = headers
        api.close()  # the next request has a connection of its own: refusals slow one down
        for path in ("/customers", "/nothing"):
            assert api.refused("GET", path, status=401) == sentence


def test_another_organisations_entities_do_not_exist(new_api: Callable[..., Api]) -> None:
    mine, theirs = new_api(), new_api()
    ids = {}
    for api in (mine, theirs):
        ids[api] = api.post("/customers", customer("C"))["id"]
        api.post("/invoices", invoice("I", "C", 100))
    assert ids[mine] != ids[theirs], "the same external id is free in each organisation"
    their_invoice = theirs.get("/invoices/external:I")["id"]
    for method in ("GET", "DELETE"):
        mine.refused(method, f"/customers/{ids[theirs]}", status=404)
        mine.refused(method, f"/invoices/{their_invoice}", status=404)
    mine.refused("PUT", f"/customers/{ids[theirs]}", {"name": "x"}, status=404)
    mine.refused("GET", f"/customers/{ids[theirs]}/contacts", status=404)
    foreign = {"id": ids[theirs]}
    for path, body in (
        ("/customers", customer("D", parent=foreign)),
        ("/customers", {"id": ids[theirs], "name": "x"}),
        ("/invoices", {**invoice("J", "C"), "customer": foreign}),
        (
            "/payments",
            payment(
                "P", "C", linkedInvoices=[{"amountLinked": 1, "invoice": {"id": their_invoice}}]
            ),
        ),
    ):
        assert "exists" in mine.refused("POST", path, body)
    assert mine.get(f"/invoices?customerId={ids[theirs]}")["total"] == 0
    mine.post("/payments", payment("P", "C", 100, linkedInvoices=[to_invoice("I", 100)]))
    assert theirs.get("/invoices/external:I")["amountOutstanding"] == 100
    assert theirs.get("/payments")["total"] == 0


def test_keys_are_made_listed_and_revoked_while_the_hub_runs(running: RunningHub) -> None:
    data = running.options
    made = json.loads(keys("create", *data, "--organisation", "made by hand", "--new", "--json"))
    assert set(made) == {"organisation", "key", "secret"}
    assert made["organisation"] == "made by hand"
    first = Api(running.url, made["key"], made["secret"], "made by hand")
    first.post("/customers", customer("C"))
    again = json.loads(keys("create", *data, "--organisation", "made by hand", "--json"))
    second = Api(running.url, again["key"], again["secret"], "made by hand")
    assert second.get("/customers")["total"] == 1
    listed = {entry["key"]: entry for entry in json.loads(keys("list", *data, "--json"))}
    assert listed[made["key"]]["organisation"] == "made by hand"
    assert listed[made["key"]]["revokedAt"] is None
    assert "secret" not in keys("list", *data, "--json")
    assert f"{made['key']} is revoked." in keys("revoke", made["key"], *data)
    assert first.refused("GET", "/customers", status=401) == WRONG
    assert second.get("/customers")["total"] == 1
    assert f"{made['key']}  made " in keys("list", *data)
    for client in (first, second):
        client.close()


def test_secrets_are_stored_as_hashes_only(running: RunningHub) -> None:
    pair = running.add_organisation("secretive")
    for path in (running.folder / DATABASE, running.folder / f"{DATABASE}-wal"):
        if path.exists():
            assert pair.secret.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["create", "--organisation", "nobody"],
            "There is no organisation nobody here: add --new to make it.",
        ),
        (
            ["create", "--organisation", "test", "--new"],
            "The organisation test exists already: leave --new out.",
        ),
        (
            ["create", "--organisation", "x", "--new", "--currency", "EURO"],
            "EURO is not an ISO 4217 currency code, such as EUR.",
        ),
        (
            ["create", "--organisation", "x", "--new", "--time-zone", "Paris"],
            "Paris is no time zone, such as Europe/Paris.",
        ),
        (["create", "--organisation", " ", "--new"], "An organisation needs a name."),
        (
            ["revoke", "hub_0"],
            "There is no active key hub_0: `headrace keys list` shows all.",
        ),
    ],
)
def test_invalid_key_commands_are_refused(
    running: RunningHub, arguments: list[str], sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        keys(*arguments, *running.options)
    assert str(caught.value) == sentence


def test_a_folder_without_a_hub_is_not_made_by_mistake(tmp_path: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        keys("list", "--data", f"{tmp_path}/nothing")
    assert "There is no hub in" in str(caught.value)


def test_a_system_without_time_zones_is_recognised(
    running: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for loaded in ("tzdata", "tzdata.zoneinfo", "tzdata.zoneinfo.Europe"):
        monkeypatch.setitem(sys.modules, loaded, None)
    zoneinfo.reset_tzpath(())
    try:
        with pytest.raises(ConfigurationError, match="install its package tzdata"):
            options = [*running.options, "--time-zone", "Europe/Vaduz"]
            keys("create", "--organisation", "x", "--new", *options)
    finally:
        zoneinfo.reset_tzpath()
