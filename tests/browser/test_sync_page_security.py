"""What the sync pages refuse: other hosts, other sites' forms, strangers, and hostile texts."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode

import pytest
from sync_world import ANNA, BEN, HTML, World, sync_world

from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.journal import Journal
from headrace.testkit.hub import RunningHub

PAGES = (
    "/",
    "/organisations/acme",
    "/organisations/acme/plan",
    "/organisations/acme/reconciliation",
    "/organisations/acme/explain",
    "/organisations/acme/explain?record=customer/HTML",
    f"/organisations/acme/explain?record={quote(HTML)}",
    "/organisations/acme/records/rejects",
    "/organisations/acme/records/staying",
    "/organisations/acme/records/drift",
    "/organisations/acme/records/collected",
    "/organisations/waits/plan",
    "/organisations/waits/plan?page=2",
    "/organisations/waits/plan/customer?id=WHTML",
)


class Answer(NamedTuple):
    """What the pages answered."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def place(self) -> str:
        """Where it leads."""
        return self.headers.get("location", "")


class Client:
    """A program at the pages, with at most one session."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.address = world.url.removeprefix("http://")
        self.cookie = ""

    def send(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        """Send a request; underscores of header names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            named["Cookie"] = self.cookie
        if body is not None:
            named.setdefault("Content-Type", "application/x-www-form-urlencoded")
        with closing(http.client.HTTPConnection(self.address, timeout=30)) as connection:
            connection.request(method, path, body, {"Host": self.address, **named})
            got = connection.getresponse()
            found = {name.lower(): value for name, value in got.getheaders()}
            return Answer(got.status, found, got.read().decode("utf-8", "replace"))

    def get(self, path: str, **headers: str) -> Answer:
        """Send a GET."""
        return self.send("GET", path, **headers)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        """Send a form."""
        return self.send("POST", path, urlencode(fields), **headers)

    def sign_in(self, name: str, secret: str, to: str = "") -> Answer:
        """Sign in, and keep the session."""
        answer = self.post("/sign-in", {"name": name, "secret": secret, "to": to})
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def proof(self) -> str:
        """What this session's forms carry."""
        found = re.search(r'name="proof" value="([^"]+)"', self.get("/organisations/acme").text)
        assert found is not None
        return found[1]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, running: RunningHub) -> Iterator[World]:
    with sync_world(tmp_path_factory.mktemp("sync"), running) as made:
        made.command("reconcile", "-o", "acme")
        made.round("acme")
        yield made


@pytest.fixture
def anna(world: World) -> Client:
    client = Client(world)
    assert client.sign_in("anna", ANNA).status == 303
    return client


def journal_of(world: World, name: str) -> Journal:
    return Journal(world.watched.project.journal_place(name), SYSTEM_CLOCK)


def waiting(world: World) -> str:
    """The id of the plan that waits."""
    with closing(journal_of(world, "waits")) as journal:
        return journal.approvals("waiting")[-1].id


def test_only_this_machine_and_declared_names_are_answered(world: World, anna: Client) -> None:
    port = anna.address.rpartition(":")[2]
    for host in (
        f"localhost:{port}",
        "127.0.0.1",
        "127.8.9.1",
        "[::1]",
        "sync.example.com",
        "SYNC.example.com:443",
    ):
        assert anna.get("/organisations/acme", Host=host).status == 200, host
    for host in (
        "evil.example",
        f"127.0.0.1.evil.example:{port}",
        "localhost.evil.example",
        "sync.example.com.evil.example",
        "sync.example.com@evil.example",
        "evil.example#sync.example.com",
        "0.0.0.0",
        "",
        "[",
    ):
        for path in (*PAGES[:3], "/sign-in"):
            answer = anna.get(path, Host=host)
            assert answer.status in (400, 403), (host, path)
            assert "acme" not in answer.text
        answer = anna.post("/sign-in", {"name": "anna", "secret": ANNA}, Host=host)
        assert answer.status in (400, 403) and "set-cookie" not in answer.headers


def test_strangers_see_nothing_and_change_nothing(world: World) -> None:
    stranger = Client(world)
    for path in (*PAGES, "/organisations/waits/plan/pdf/1"):
        answer = stranger.get(path)
        assert (answer.status, answer.text) == (303, ""), path
        assert answer.place.startswith("/sign-in")
    stranger.cookie = "headrace_pages=forged"
    fields = {"plan": waiting(world), "proof": "forged", "all": "yes"}
    for path in ("waits/plan/approve", "acme/rejects/retry", "acme/book"):
        assert stranger.post(f"/organisations/{path}", fields).place == "/sign-in"
    assert waiting(world) == fields["plan"]


def test_no_other_site_can_send_a_form(world: World, anna: Client) -> None:
    ben = Client(world)
    ben.sign_in("ben", BEN)
    proof, plan = anna.proof(), waiting(world)
    for fields, headers in (
        ({"plan": plan}, {}),
        ({"plan": plan, "proof": ""}, {}),
        ({"plan": plan, "proof": "é"}, {}),
        ({"plan": plan, "proof": ben.proof()}, {}),
        ({"plan": plan, "proof": proof}, {"Sec_Fetch_Site": "cross-site"}),
        ({"plan": plan, "proof": proof}, {"Sec_Fetch_Site": "same-site"}),
        ({"plan": plan, "proof": proof}, {"Origin": "https://evil.example"}),
        ({"plan": plan, "proof": proof}, {"Origin": "http://127.0.0.1:1"}),
    ):
        for path in ("waits/plan/approve", "acme/rejects/retry", "acme/book"):
            answer = anna.post(f"/organisations/{path}", {**fields, "all": "yes"}, **headers)
            assert answer.status == 403, (path, fields, headers)
        assert anna.post("/sign-out", fields, **headers).status == 403
    assert waiting(world) == plan
    with closing(journal_of(world, "acme")) as journal:
        assert len(journal.rejects()) == 1
    answer = anna.post("/sign-in", {"name": "anna", "secret": ANNA}, Sec_Fetch_Site="cross-site")
    assert answer.status == 403 and "set-cookie" not in answer.headers


def test_wrong_inputs_of_each_form_get_an_answer_that_says_so(world: World, anna: Client) -> None:
    own = {"proof": anna.proof()}
    approve, retry = "/organisations/waits/plan/approve", "/organisations/acme/rejects/retry"
    for path, fields, status, said in (
        (approve, {}, 400, "There is no such plan."),
        (approve, {"plan": "0123456789"}, 400, "There is no such plan."),
        (retry, {}, 400, "No record is chosen."),
        (retry, {"record": "invoice/NONE"}, 400, "invoice/NONE is not rejected any more."),
        ("/organisations/none/rejects/retry", {"all": "yes"}, 404, "There is no organisation"),
    ):
        answer = anna.post(path, own | fields)
        assert answer.status == status and said in answer.text, path
    assert anna.send("POST", approve, "{}", Content_Type="application/json").status == 415
    assert anna.send("POST", approve, "proof=%ff").status == 400
    assert anna.send("POST", approve, "x" * 300_000).status == 413
    for path in ("none", "none/plan", "acme/records/none", "waits/plan/customer?id=none"):
        assert anna.get(f"/organisations/{path}").status == 404, path
    for page in ("0", "-1", "99999999", "x", "²", "1" * 5_000):
        assert anna.get(f"/organisations/waits/plan?page={quote(page)}").status == 200


def test_who_requested_a_plan_cannot_approve_it(world: World, anna: Client) -> None:
    with closing(journal_of(world, "empty")) as journal:
        journal.request_approval("a" * 10, "", "anna", "1 request")
    fields = {"proof": anna.proof(), "plan": "a" * 10}
    answer = anna.post("/organisations/empty/plan/approve", fields)
    assert answer.status == 403 and "another person has to approve it" in answer.text
    ben = Client(world)
    ben.sign_in("ben", BEN)
    fields["proof"] = ben.proof()
    assert ben.post("/organisations/empty/plan/approve", fields).status == 303
    with closing(journal_of(world, "empty")) as journal:
        last = journal.audit_entries()[1]
    assert (last.action, last.who) == ("approved", "ben")


def test_every_page_refuses_frames_and_escapes_every_text(world: World, anna: Client) -> None:
    for path in (*PAGES, "/sign-in", "/organisations/none", "/none", "/sign-out"):
        answer = anna.get(path)
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy and "script-src 'self'" in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert "<script>" not in answer.text and "<b>" not in answer.text, path
        assert "style=" not in answer.text and "onclick" not in answer.text
    assert "&lt;script&gt;" in anna.get("/organisations/acme").text


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/organisations/\\evil",
        "\r\nSet-Cookie: a=b",
        "/organisations/\r\nX: 1",
        "javascript:alert(1)",
        "organisations/acme",
    ],
)
def test_the_sign_in_leads_nowhere_else(world: World, to: str) -> None:
    client = Client(world)
    answer = client.sign_in("anna", ANNA, to)
    assert (answer.status, answer.place) == (303, "/")
    assert "x" not in answer.headers
    shown = client.get(f"/sign-in?{urlencode({'to': to})}")
    assert 'name="to" value="/"' in shown.text


def test_the_sign_in_leads_back(world: World) -> None:
    client = Client(world)
    led = client.get("/organisations/acme/explain?record=caf%C3%A9%20%26%20co")
    shown = client.get(led.place).text
    found = re.search(r'name="to" value="([^"]+)"', shown)
    assert found is not None
    answer = client.sign_in("anna", ANNA, found[1])
    assert answer.place == "/organisations/acme/explain?record=caf%C3%A9%20%26%20co"
    assert "There is no record café &amp; co" in client.get(answer.place).text


def test_a_session_is_for_one_browser_and_ends(world: World) -> None:
    client = Client(world)
    cookie = client.sign_in("anna", ANNA).headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "secure" not in cookie
    client.cookie, old = "", client.cookie
    fields = {"name": "anna", "secret": ANNA}
    behind = client.post("/sign-in", fields, X_Forwarded_Proto="https")
    assert "secure" in behind.headers["set-cookie"].lower()
    client.cookie = old
    assert client.post("/sign-out", {"proof": client.proof()}).status == 303
    assert client.get("/organisations/acme").place.startswith("/sign-in")


def test_guessing_a_secret_ends_soon(world: World) -> None:
    guesser = Client(world)
    for _ in range(5):
        assert guesser.sign_in("nemo", "guess").status == 401
    assert guesser.sign_in("nemo", "guess").status == 429
    assert guesser.sign_in("anna", ANNA).status == 303


def test_a_pdf_has_a_harmless_name_and_only_pdfs_are_served(world: World, anna: Client) -> None:
    names = {}
    for customer in ("WAR", "WLONG"):
        text = anna.get(f"/organisations/waits/plan/customer?id={customer}").text
        (names[customer],) = re.findall(r'href="(/organisations/waits/plan/pdf/\d+)"', text)
    answer = anna.get(names["WAR"])
    assert answer.status == 200 and answer.text.startswith("%PDF")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert "x-evil" not in answer.headers
    answer = anna.get(names["WLONG"])
    assert answer.status == 404 and "not for the pages" not in answer.text
    for path in ("0", "999999", "x", "-1", "1%2f..", "9" * 40):
        assert anna.get(f"/organisations/waits/plan/pdf/{path}").status == 404, path


def test_without_people_the_pages_only_show(
    tmp_path: Path, running: RunningHub, postgres_database: str
) -> None:
    """Here the journals are in PostgreSQL."""
    with sync_world(tmp_path, running, people=False, journal=postgres_database) as made:
        client = Client(made)
        plan = client.get("/organisations/ro-waits/plan").text
        assert "headrace approve" in plan and "<form" not in plan.partition("<main")[2]
        shown = client.get("/organisations/ro-acme").text
        assert "headrace rejects retry" in shown and "Retry" not in shown
        for page in PAGES:
            path = page.replace("/organisations/", "/organisations/ro-")
            assert client.get(path).status in (200, 404), path
        assert "ro-waits" in client.get("/").text
        for path in ("ro-waits/plan/approve", "ro-acme/rejects/retry"):
            assert client.post(f"/organisations/{path}", {"all": "yes"}).status == 403
        assert client.get("/sign-in").status == 404
        assert client.get("/organisations/ro-acme", Host="sync.example.com").status == 403
