"""QuickBooks read by its API: queries at first, then its change data capture, by tokens that work
once."""

from __future__ import annotations

import copy
import json
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from test_quickbooks_api import TABLES, document, settles
from vendor_account import Account, Request, Tokens, Vendor, account, same_objects

from headrace.cli.main import run
from headrace.fleet.project import load_project
from headrace.systems.access import basic
from headrace.systems.quickbooks_api import extraction

KINDS = extraction._OBJECTS
SECRET = "client-secret-0"


class QuickBooks(Vendor):
    """One company, with a limit of two objects in what it answers."""

    def __init__(self, objects: dict[str, list[dict[str, Any]]], folder: Path) -> None:
        super().__init__(objects)
        self.tokens = Tokens()
        self.file = folder / ".headrace" / "it.quickbooks_api.tokens"
        self.changed: list[tuple[int, str, dict[str, Any]]] = []
        self.failing = False
        self.spared: set[psutil.Process] | None = None
        """Where a process is to be killed, the others that this one has started."""
        self.vanish = ""

    def happens(self, table: str, item: dict[str, Any], status: str = "") -> None:
        """An object is made, changed or deleted, and the change data capture has it."""
        rows = self.objects[table]
        rows[:] = [one for one in rows if one["Id"] != item["Id"]]
        if not status:
            rows.append(item)
        kept = {"Id": item["Id"], "status": status} if status else item
        self.changed.append((self.second, KINDS[table], kept))

    def answered(self, request: Request) -> tuple[int, Any]:
        if request.path == "/token":
            assert request.headers["authorization"] == basic("app", SECRET)["Authorization"]
            return self.tokens.grant(request.body)
        if not self.tokens.admits(request):
            return 401, {"fault": {"error": [{"message": "AuthenticationFailed"}]}}
        # Before a new token is used, it is where a crash can't lose it.
        assert json.loads(self.file.read_text())["refresh_token"] == self.tokens.refresh
        assert request.query["minorversion"] == "75"
        if self.spared is not None:
            (worker,) = set(psutil.Process().children(recursive=True)) - self.spared
            worker.kill()
            self.spared = None
        if self.failing:
            error = {"Message": "Unsupported Operation", "Detail": "Not now"}
            return 200, {"Fault": {"Error": [error]}}
        if request.path == "/v3/company/4620/cdc":
            return 200, self.captured(request.query)
        if request.path != "/v3/company/4620/query":
            return 404, {}
        return 200, {"QueryResponse": self.queried(request.query["query"])}

    def queried(self, query: str) -> dict[str, Any]:
        found = re.fullmatch(
            r"select \* from (\w+)( where Active in \(true, false\))? orderby Id "
            r"startposition (\d+) maxresults (\d+)",
            query,
        )
        assert found is not None, query
        kind, inactive, start, most = found[1], found[2], int(found[3]), int(found[4])
        table = next(name for name, one in KINDS.items() if one == kind)
        rows = sorted(self.objects[table], key=lambda one: one["Id"])
        rows = [one for one in rows if inactive or one.get("Active") is not False]
        shown = rows[start - 1 : start - 1 + most]
        self.asked += [f"{table} {one['Id']}" for one in shown]
        if self.vanish and shown and shown[0]["Id"] == self.vanish:
            self.objects[table].remove(shown[0])
        return {kind: shown, "startPosition": start} if shown else {}

    def captured(self, query: dict[str, str]) -> dict[str, Any]:
        moment = datetime.fromisoformat(query["changedSince"]).astimezone(UTC).timestamp()
        self.asked.append(f"cdc of {query['entities']}")
        answers = []
        for kind in query["entities"].split(","):
            found = [one for at, which, one in self.changed if which == kind and at >= moment]
            answers.append({kind: found[: extraction._MOST_CHANGES]} if found else {})
        return {"CDCResponse": [{"QueryResponse": answers}], "time": "2026-11-20T00:00:00Z"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("quickbooks")
    tables = {name: rows for name, rows in TABLES.items() if name != "deleted_objects"}
    vendor = QuickBooks(copy.deepcopy(tables), folder)
    vendor.objects["invoices"] = [one for one in tables["invoices"] if one["Id"] != "14"]
    options = {"client_id": "app", "client_secret": SECRET, "realm": "4620"}
    options |= {"refresh_token": "refresh-token-0", "auth_url": "URL/token"}
    with account(folder, "quickbooks_api", vendor, options) as made:
        yield made


def test_what_is_read_is_what_quickbooks_has_and_then_what_changed(company: Account) -> None:
    vendor: Any = company.vendor
    assert company.sync() == {("1", "EUR"): 1400 + 3500 - 1000}
    for table, objects in vendor.objects.items():
        assert same_objects(company.rows(table, "Id"), objects, "Id")

    vendor.clock.seconds += 7200
    vendor.happens("invoices", document("15", "9.00", "9.00"))
    payment = vendor.objects["payments"][0]
    fewer = [settles("Invoice", "11", "75.00"), settles("CreditMemo", "21", "30.00")]
    vendor.happens("payments", payment | {"TotalAmt": "45.00", "Line": fewer})
    vendor.happens("invoices", {"Id": "12"}, "Deleted")
    assert company.sync() == {("1", "EUR"): 1900 + 900}
    assert vendor.asked == ["cdc of Account,CreditMemo,Customer,Invoice,JournalEntry,Payment"]
    assert vendor.tokens.given == 1


def test_a_token_is_never_lost_and_its_file_is_its_owners_only(company: Account) -> None:
    vendor: Any = company.vendor
    vendor.tokens.access = "revoked"  # as when another application signed in
    vendor.failing = True
    given = vendor.tokens.given
    assert company.refusal() == (
        "quickbooks_api: QuickBooks refuses a request: Unsupported Operation Not now."
    )
    # The round failed, and the tokens that it got are used by the next one.
    vendor.failing = False
    company.stage()
    assert vendor.tokens.given == given + 1
    assert stat.S_IMODE(vendor.file.stat().st_mode) == 0o600
    vendor.tokens.refresh = "another-token"
    vendor.tokens.access = "revoked"
    said = company.refusal()
    assert 'answers 400 Bad Request: {"error": "invalid_grant"}. Authorise headrace' in said
    vendor.tokens.refresh = "authorised-again"
    company.options["refresh_token"] = "authorised-again"
    company.stage()


def test_a_process_that_is_killed_once_it_has_a_new_token_leaves_it_to_the_next(
    company: Account,
) -> None:
    vendor: Any = company.vendor
    company.stage()
    vendor.tokens.access = "revoked"
    vendor.spared = set(psutil.Process().children(recursive=True))
    given = vendor.tokens.given
    assert "ended with code -9" in company.refusal()
    assert vendor.tokens.given == given + 1
    company.stage()
    assert vendor.tokens.given == given + 1


def test_more_changes_than_an_answer_has_and_a_long_pause_mean_everything(
    company: Account,
) -> None:
    vendor: Any = company.vendor
    company.stage()
    vendor.objects["invoices"].append(document("16", "1.00", "1.00"))  # of which no change tells
    for number in range(extraction._MOST_CHANGES):
        vendor.changed.append((vendor.second, "Customer", {"Id": f"c{number}"}))
    company.stage()
    assert ("16",) in company.rows("invoices", "Id")
    assert len(vendor.asked) > 1
    vendor.changed.clear()
    vendor.clock.seconds += 26 * 86_400
    company.stage()
    assert not [one for one in vendor.asked if one.startswith("cdc")]


def test_pages_that_move_up_while_they_are_read_lose_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vendor = QuickBooks({"customers": [{"Id": f"{n}"} for n in range(1, 8)]}, Path())
    vendor.vanish = "3"  # deleted once its page was read
    monkeypatch.setattr(extraction, "_PAGE", 3)

    class Company:
        def get(self, path: str, asked: list[tuple[str, Any]]) -> Any:
            return {"QueryResponse": vendor.queried(str(asked[0][1]))}

    found = extraction._queried(Company(), "customers", "Customer")  # type: ignore[arg-type]
    assert {one["Id"] for one in found} == {"1", "2", "3", "4", "5", "6", "7"}


def test_what_is_wrong_is_one_sentence_with_what_to_do(company: Account) -> None:
    vendor: Any = company.vendor
    vendor.tokens.refused = True
    said = company.refusal()
    vendor.tokens.refused = False
    assert "/v3/company/4620/cdc answers 401 Unauthorized" in said
    advice = "Check realm, and that this company authorised the app for its accounting."
    assert said.endswith(advice)
    assert "did you mean realm?" in _named(company, "realms")


def _named(company: Account, name: str) -> str:
    company.options[name] = "x"
    try:
        return company.unknown_option()
    finally:
        del company.options[name]


def test_a_drafted_project_goes_on_from_the_token_that_its_draft_got(
    company: Account,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    vendor: Any = company.vendor
    vendor.tokens = Tokens()
    vendor.file = tmp_path / "acme" / ".headrace" / "main.quickbooks_api.tokens"
    for name, value in company.options.items():
        monkeypatch.setenv(f"QUICKBOOKS_API_{name.upper()}", value)
    monkeypatch.setenv("QUICKBOOKS_API_REFRESH_TOKEN", "refresh-token-0")
    folder = tmp_path / "acme"
    assert run(["init", "--system", "quickbooks_api", "--to", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["system"] == "quickbooks_api"
    assert vendor.tokens.given == 1
    written = (folder / "headrace.toml").read_text("utf-8")
    assert 'refresh_token = "env:QUICKBOOKS_API_REFRESH_TOKEN"' in written
    assert 'url = "env:QUICKBOOKS_API_URL"' in written and SECRET not in written
    for name in ("URL", "KEY", "SECRET"):
        monkeypatch.setenv(f"HEADRACE_{name}", "https://api.test")
    options = load_project(folder).source("main").options
    assert options["auth_file"] == str(vendor.file) and vendor.file.exists()
    # One account serves all targets, so its tokens are in no folder of one of them.
    project = folder / "headrace.toml"
    project.write_text('data = "data/{target}"\n' + written)
    options = load_project(folder).source("main").options
    assert options["auth_file"] == str(folder / "data" / vendor.file.name)
    project.write_text(written.replace("refresh_token =", 'auth_file = "own", refresh_token ='))
    assert load_project(folder).source("main").options["auth_file"] == "own"
