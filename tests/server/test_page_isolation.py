"""Every route of the console and of the portal, asked with every credential: nobody gets anything
of an organisation that the credential is not for.

The routes come from the tables that serve them, so a new page is tried by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.request import Request, urlopen

import pytest
from console_browser import EMAIL, HOME, SIGN_IN, Browser, Shown, add_person
from hub_api import Api, credit_note, customer, invoice, payment

from engines import ENGINES, database_of
from headrace.console.overview import Overviews
from headrace.console.page import ORGANISATION, console_pages
from headrace.portal.page import PAGES as PORTAL_PAGES
from headrace.testkit.hub import RunningHub, hub

OURS, THEIRS = "ours", "theirs"
SECRET = "Wholly secret & co"
PAGES = {path: method for path, (method, _) in console_pages(Overviews()).items()}
INSIDE = [path for path in PAGES if path.startswith(ORGANISATION)]
WITH_ID = [path for path in INSIDE if "{id}" in path]
HUB = [path for path in PAGES if path.startswith(f"{HOME}/hub")]


class Pair:
    """Two organisations with the same kinds of records, and people who see one, both or none."""

    def __init__(self, running: RunningHub) -> None:
        self.running = running
        self.apis: dict[str, Api] = {}
        self.ids: dict[str, dict[str, str]] = {}
        for name in (OURS, THEIRS):
            pair = running.add_organisation(name)
            api = self.apis[name] = Api(running.url, pair.key, pair.secret, name)
            self.ids[name] = _filled(running, api, name, pair.key)
        for email, only in ((EMAIL, None), ("ours@example.com", [OURS]), ("no@example.com", [])):
            add_person(running, email, only)

    def path(self, path: str, organisation: str, ids_of: str) -> str:
        """Return an address of an organisation's page, with the ids of either."""
        kind = path.removeprefix(ORGANISATION).split("/")[1:2]
        id = self.ids[ids_of].get(kind[0] if kind else "", "x")
        return path.format(organisation=organisation, id=id)

    def state(self, organisation: str) -> str:
        """Return all that an organisation has, as text."""
        api, control = self.apis[organisation], self.running.control.call
        kinds = ("customers", "invoices", "payments", "credit_notes", "refunds", "custom_fields",
            "users", "bank_accounts", "dunning_plans", "actions")  # fmt: skip
        found: list[Any] = [api.get(f"/{kind}") for kind in kinds]
        own = f"/organisations/{organisation}"
        paths = ("/positions", "/clock", "/portal", "/portal/links", "/portal/answers")
        found += [control("GET", own + path) for path in paths]
        keys = control("GET", "/keys")["keys"]
        found += [
            (one["key"], one["revokedAt"]) for one in keys if one["organisation"] == organisation
        ]
        found += [control("GET", "/faults"), control("GET", "/rates")]
        text = json.dumps(found)
        return re.sub(r'"now": "[^"]*"|"lastAt": "[^"]*"', "", text)


def _filled(running: RunningHub, api: Api, name: str, key: str) -> dict[str, str]:
    own = f"/organisations/{name}"
    api.post("/customers", customer("C", name=SECRET if name == THEIRS else "Ours"))
    made = {
        "customers": api.get("/customers/external:C")["id"],
        "invoices": api.post("/invoices", invoice("I", "C"))["id"],
        "payments": api.post("/payments", payment("P", "C"))["id"],
        "credit-notes": api.post("/credit_notes", credit_note("N", "C"))["id"],
    }
    refund = {
        "externalId": "R", "currency": "EUR", "amount": 5, "validatedAt": "2026-01-01",
        "customer": {"externalId": "C"},
    }  # fmt: skip
    made["refunds"] = api.post("/refunds", refund)["id"]
    for kind, body in (
        ("users", {"email": f"{name}@example.com"}), ("bank_accounts", {"name": "Main"}),
        ("dunning_plans", {"name": "Plan"}),
    ):  # fmt: skip
        running.control.call("POST", f"{own}/{kind}", body)
    made["key"] = key
    made["link"] = api.post("/customers/external:C/portal", {})["url"]
    requests: list[Any] = []
    while not requests:
        found = running.control.call("GET", f"/requests?organisation={name}")
        requests = found["requests"]
    made["requests"] = requests[0]["id"]
    return made


@pytest.fixture(scope="module", params=ENGINES)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with ExitStack() as stack:
        database = database_of(request, request.param, stack)
        made = Pair(stack.enter_context(hub(database=database, console=True)))
        yield made
        for api in made.apis.values():
            api.close()


FORM = {
    "action": "void", "form": "", "name": THEIRS, "email": "x@example.com", "label": "x",
    "dataType": "TEXT", "entityType": "PAYMENT", "preset": "reset", "operation": "GET /customers",
    "path": "/v1/customers", "lasts": "1 day", "overlap": "1 hour", "base": "EUR",
    "currency": "USD", "rate": "2", "lines": "{}", "by": "1d", "remove": "1",
}  # fmt: skip
"""What would be carried out, if a page took it."""


def _ask(browser: Browser, path: str, method: str, place: str, proof: str) -> Shown:
    fields = {**FORM, "proof": proof}
    if method == "GET":
        return browser.get(place)
    if method == "UPLOAD":
        return browser.upload(place, fields, {"logo": b"\x89PNG\r\n\x1a\n", "file": b"{}"})
    return Shown(*browser.ask("POST", place, fields))


def test_without_a_session_every_route_leads_to_the_sign_in(pair: Pair) -> None:
    before = pair.state(THEIRS)
    ended = Browser(pair.running).as_person()
    session = ended.cookie
    ended.send(f"{HOME}/sign-out")
    token = pair.ids[THEIRS]["link"].rpartition("/")[2]
    api = pair.apis[THEIRS].headers
    control = pair.running.control._token
    credentials: list[tuple[str, dict[str, str]]] = [
        ("", {}),
        ("made up", {}),
        (session, {}),
        (token, {}),
        ("", {name.replace("-", "_"): value for name, value in api.items()}),
        ("", {"Authorization": f"Bearer {control}"}),
        (pair.ids[THEIRS]["key"], {}),
    ]
    for cookie, headers in credentials:
        browser = Browser(pair.running)
        for path, method in PAGES.items():
            browser.cookie = cookie
            place = pair.path(path, THEIRS, THEIRS)
            sent = None if method == "GET" else FORM
            verb = "GET" if method == "GET" else "POST"
            status, text, answered = browser.ask(verb, place, sent, **headers)
            assert status == 303, (path, cookie, headers)
            assert answered["Location"].partition("?")[0] == SIGN_IN, path
            assert SECRET not in text
    assert pair.state(THEIRS) == before


@pytest.mark.parametrize("email", ["ours@example.com", "no@example.com"])
def test_another_organisations_pages_are_not_there(pair: Pair, email: str) -> None:
    before = pair.state(THEIRS)
    browser = Browser(pair.running).as_person(email)
    proof = browser.proof()
    for path in [*INSIDE, *HUB]:
        got = _ask(browser, path, PAGES[path], pair.path(path, THEIRS, THEIRS), proof)
        assert got.status == 404, path
        assert SECRET not in got.text.replace("&amp;", "&"), path
    missing = browser.get(f"{HOME}/organisations/no-such")
    there = browser.get(f"{HOME}/organisations/{THEIRS}")
    assert (missing.status, missing.text) == (there.status, there.text), "it can't be told apart"
    listed = browser.get(HOME).words
    assert THEIRS not in listed
    assert (OURS in listed) == (email == "ours@example.com")
    assert pair.state(THEIRS) == before


def test_another_organisations_records_are_not_in_ones_own(pair: Pair) -> None:
    """Also for somebody who sees both."""
    before = pair.state(THEIRS)
    browser = Browser(pair.running).as_person()
    proof = browser.proof()
    for path in WITH_ID:
        got = _ask(browser, path, PAGES[path], pair.path(path, OURS, THEIRS), proof)
        assert got.status == 404, path
        assert SECRET not in got.text.replace("&amp;", "&"), path
    own, theirs = f"{HOME}/organisations/{OURS}", pair.ids[THEIRS]
    script = {
        "id": "s",
        "organisation": THEIRS,
        "faults": [{"kind": "reset", "on": "POST /reconcile"}],
    }
    pair.running.control.call("POST", "/faults", script)
    link = pair.running.control.call("GET", f"/organisations/{THEIRS}/portal/links")["links"][0]
    for place, fields in (
        (f"{own}/settings/keys/revoke", {"key": theirs["key"]}),
        (f"{own}/settings/keys/rotate", {"key": theirs["key"], "overlap": "1 hour"}),
        (f"{own}/testing/disarm", {"id": "s"}),
        (f"{own}/customers/{pair.ids[OURS]['customers']}/revoke", {"link": link["id"]}),
    ):
        assert browser.send(place, fields).status == 404, place
    for kind in ("users", "accounts", "plans"):
        name = {"accounts": "bank_accounts", "plans": "dunning_plans"}.get(kind, kind)
        answer = pair.apis[THEIRS].get(f"/{name}")
        (entry,) = next(value for value in answer.values() if isinstance(value, list))
        sent = browser.send(f"{own}/settings/{kind}/remove", {"id": entry["id"]})
        assert sent.status == 400, kind
        assert "There is no" in sent.words
    assert "faults" in browser.get(f"{own}/testing").words.lower()
    assert "/reconcile" not in browser.get(f"{own}/testing").words
    pair.running.control.call("DELETE", "/faults/s")
    assert pair.state(THEIRS) == before


def test_every_form_needs_the_proof_of_its_session(pair: Pair) -> None:
    before = pair.state(THEIRS)
    browser, other = (Browser(pair.running).as_person() for _ in range(2))
    good, foreign = browser.proof(), other.proof()
    for path, method in PAGES.items():
        if method == "GET":
            continue
        place = pair.path(path, THEIRS, THEIRS)
        for proof in ("", "x", foreign):
            assert _refused(browser, path, method, place, proof), (path, proof)
        if method == "POST":
            headers = {"Sec_Fetch_Site": "cross-site"}
            status = browser.ask("POST", place, {**FORM, "proof": good}, **headers)[0]
            assert status == 403, path
    assert pair.state(THEIRS) == before


def _refused(browser: Browser, path: str, method: str, place: str, proof: str) -> bool:
    if method == "POST":
        return browser.ask("POST", place, {**FORM, "proof": proof})[0] == 403
    return browser.upload(place, {"proof": proof}, {"logo": b"x"}, own=False).status == 403


def test_pages_can_not_be_framed_kept_or_asked_otherwise(pair: Pair) -> None:
    browser = Browser(pair.running).as_person()
    for path, method in PAGES.items():
        place = pair.path(path, OURS, OURS)
        if method != "GET":
            assert browser.get(place).status in (404, 405), path
            continue
        shown = browser.get(place)
        assert shown.status == 200 or path.endswith("/picture"), (path, shown.words)
        if shown.status == 200:
            policy = shown.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert policy.endswith("frame-ancestors 'none'")
            assert "no-store" in shown.headers["Cache-Control"], path
            assert shown.headers["X-Content-Type-Options"] == "nosniff"
        # Scripts and styles come from files of the hub only.
        assert not re.search(r"<script(?! src=\"/assets/)|<style| on\w+=\"| style=\"", shown.text)


def test_the_portal_takes_nothing_but_its_own_token(pair: Pair) -> None:
    before = pair.state(THEIRS)
    browser = Browser(pair.running).as_person()
    ours = pair.ids[OURS]["link"].rpartition("/")[2]
    theirs = pair.ids[THEIRS]
    api = pair.apis[THEIRS]
    headers = {
        **{name.replace("-", "_"): value for name, value in api.headers.items()},
        "Authorization": f"Bearer {pair.running.control._token}",
    }
    fields = {"i": theirs["invoices"], "customer": theirs["customers"], "reason": "PRICE",
        "day": "2026-12-01", "shown": "EUR1000", "all": "1"}  # fmt: skip
    tokens: list[tuple[str, Callable[[int], bool]]] = [
        ("made-up", lambda status: status == 404),
        (browser.cookie, lambda status: status == 404),
        (theirs["key"], lambda status: status == 404),
        (theirs["customers"], lambda status: status == 404),
        # A link that is in force, asked for what is another organisation's.
        (ours, lambda status: status in (400, 403, 404)),
    ]
    for token, is_right in tokens:
        for path, (method, _) in PORTAL_PAGES.items():
            place = path.format(token=token, file=theirs["invoices"])
            query = f"?customer={theirs['customers']}&i={theirs['invoices']}" \
                f"&payment={theirs['payments']}"  # fmt: skip
            sent = fields if method == "POST" else None
            status, text, _ = browser.ask(method, place + query, sent, **headers)
            assert is_right(status), (path, token, status)
            assert SECRET not in text.replace("&amp;", "&")
            assert theirs["invoices"] not in text or token == ours
    assert pair.state(THEIRS) == before


def test_the_api_takes_no_session(pair: Pair) -> None:
    browser = Browser(pair.running).as_person()
    request = Request(f"{pair.running.url}/customers")
    request.add_header("Cookie", f"headrace_console={browser.cookie}")
    with pytest.raises(OSError, match="401"):
        urlopen(request, timeout=10)
