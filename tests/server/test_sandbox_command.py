"""`headrace sandbox`: makes, lists and deletes sandboxes, over HTTP or on the database itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hub_api import Api, customer

from headrace.cli.main import run
from headrace.control.access import TOKEN_VARIABLE
from headrace.server.process.run import PDFS
from headrace.store.admin.check import check_database
from headrace.store.engine.place import snapshot
from headrace.testkit.billing.pdf import small_pdf
from headrace.testkit.hub import RunningHub, hub

Command = Callable[..., Any]


@pytest.fixture(params=["http", "data"])
def command(
    request: pytest.FixtureRequest, own: RunningHub, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run `headrace sandbox ... --json`; returns what it prints, or the error's message."""
    where = ["--url", own.url] if request.param == "http" else []

    def ran(*words: str) -> Any:
        code = run(["sandbox", *words, *where, *own.options, "--json"])
        printed = json.loads(capsys.readouterr().out)
        assert code == (6 if isinstance(printed, dict) and "error" in printed else 0)
        return printed["error"]["message"] if code else printed

    return ran


@pytest.fixture
def own(database: str | None) -> Iterator[RunningHub]:
    with hub(database=database) as running:
        yield running
        with snapshot(running.place) as db:
            assert list(check_database(db)) == []


def test_it_makes_one_that_works_at_once(own: RunningHub, command: Command) -> None:
    made = command(
        "demo", "--seed", "wholesaler", "--entities", "80", "--number", "4", "--expires-in", "2h",
        "--limits", "5", "--clock", "2026-03-01",
    )  # fmt: skip
    api = Api(own.url, made["key"], made["secret"], "demo")
    assert api.get("/invoices")["total"] == made["counts"]["invoices"] > 20
    assert made["limits"] == "5"
    assert [api.call("GET", "/customers").status for _ in range(6)] == [200] * 4 + [429] * 2
    assert own.clock_of("demo").now() == "2026-03-01T00:00:00.000Z"
    api.close()
    listed = {one["name"]: one for one in command("--list")}
    assert listed["demo"] == {key: made[key] for key in listed["demo"]}


def test_it_fills_one_from_a_file(own: RunningHub, command: Command, tmp_path: Path) -> None:
    file = tmp_path / "shop.jsonl"
    line = {"method": "POST", "path": "/customers", "body": customer("c1"), "as": "acme"}
    file.write_text(f"// a shop\n{json.dumps(line)}\n")
    made = command("--seed", str(file), "--expires-in", "never")
    assert made["expiresAt"] is None
    api = Api(own.url, made["key"], made["secret"], made["name"])
    assert api.get("/customers/external:c1")["id"] == made["named"]["acme"]
    api.close()


def test_it_deletes_one_with_all_its_data(own: RunningHub, command: Command) -> None:
    made = command("demo", "--seed", "saas", "--entities", "30")
    api = Api(own.url, made["key"], made["secret"], "demo")
    invoice = api.get("/invoices?limit=1")["invoices"][0]
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%s\r\n--b--'
    )
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    raw = form % small_pdf("i")
    assert api.call("POST", f"/invoices/{invoice['id']}/pdf", headers=kind, raw=raw).status == 204
    assert command("demo", "--delete") == {"deleted": "demo"}
    assert api.call("GET", "/customers").status == 401
    api.close()
    assert [one["name"] for one in command("--list")] == ["test"]
    with snapshot(own.place) as db:
        assert db.execute("SELECT count(*) FROM document").fetchone() == (0,)
    again = command("demo")
    assert again["organisationId"] > made["organisationId"]
    own.control.call("DELETE", "/sandboxes/demo")
    assert not list((own.folder / PDFS).rglob("*.pdf"))


WRONG = [
    (("test",), "NAME: there is an organisation test already"),
    (("a/b",), "NAME: "),
    (("x", "--seed", "bakery"), "--seed: there is no profile 'bakery'; there are: agency, whole"),
    (("x", "--seed", "./bakery.jsonl"), "--seed: there is no file ./bakery.jsonl"),
    (("x", "--seed", "saas", "--entities", "10001"), "--entities: "),
    (("x", "--seed", "saas", "--number", str(2**40)), "--number: "),
    (("x", "--expires-in", "soon"), "--expires-in: 'soon' is not an interval"),
    (("x", "--limits", "many"), "--limits: 'many' is none"),
    (("x", "--clock", "noon"), "--clock: 'noon' is not an ISO 8601 date"),
    (("x", "--currency", "EURO"), "--currency: 'EURO' is not an ISO 4217"),
    (("x", "--time-zone", "Mars"), "--time-zone: Mars is no time zone"),
    (("nobody", "--delete"), "no sandbox nobody"),
    (("--delete",), "headrace sandbox NAME --delete"),
    (("x", "--delete", "--list"), "do not go together"),
]


@pytest.mark.parametrize(("words", "part"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_options_are_named_and_nothing_is_made(
    shared: RunningHub, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], part: str
) -> None:
    for where in ([], ["--url", shared.url]):
        assert run(["sandbox", *words, *where, *shared.options]) == 6
        assert part in capsys.readouterr().err
    assert len(shared.control.call("GET", "/organisations")["organisations"]) == 1


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningHub]:
    with hub() as running:
        yield running


def test_people_read_what_it_made(
    shared: RunningHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = (shared.folder / "control-token").read_text().strip()
    monkeypatch.setenv(TOKEN_VARIABLE, token)
    there = ["--url", shared.url]
    assert run(["sandbox", "demo", "--seed", "agency", *there]) == 0
    text = capsys.readouterr().out
    assert f"base URL      {shared.url}" in text
    assert "it can't be shown again" in text
    assert " customers, " in text
    assert run(["sandbox", "--list", *there]) == 0
    listed = capsys.readouterr().out
    assert "demo  expires 2" in listed
    assert "test  expires never  empty" in listed
    assert run(["sandbox", "demo", "--delete", *there]) == 0
    assert capsys.readouterr().out == "demo is deleted.\n"
