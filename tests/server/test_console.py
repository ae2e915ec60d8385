"""The console: who gets in, what a session is worth, and the figures of an organisation."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from console_browser import EMAIL, HOME, PASSWORD, SIGN_IN, Browser
from hub_api import Api, credit_note, customer, invoice, payment

from engines import ENGINES, database_of
from headrace.console.passwords import hash_password
from headrace.model.clock import SYSTEM_CLOCK
from headrace.store.admin.console_users import set_user
from headrace.store.engine.place import transactions
from headrace.testkit.hub import RunningHub, hub
from passwords import quick_hash


@pytest.fixture(scope="module", params=ENGINES)
def served(request: pytest.FixtureRequest) -> Iterator[RunningHub]:
    with ExitStack() as stack:
        database = database_of(request, request.param, stack)
        started = stack.enter_context(
            hub(database=database, console=True, sync_pages="https://sync.example.com")
        )
        with transactions(started.place) as transact:
            transact(set_user, EMAIL, quick_hash(PASSWORD), SYSTEM_CLOCK.now())
        yield started


@pytest.fixture
def browser(served: RunningHub) -> Browser:
    return Browser(served)


def test_without_a_session_every_page_leads_to_the_sign_in(browser: Browser) -> None:
    for path, to in (
        (HOME, ""),
        ("/console/organisations/test", "?to=/console/organisations/test"),
    ):
        status, _, headers = browser.ask("GET", path)
        assert (status, headers["Location"]) == (303, SIGN_IN + to)
    status, _, headers = browser.ask("POST", "/console/sign-out", {})
    assert (status, headers["Location"].partition("?")[0]) == (303, SIGN_IN)
    for made_up in ("x", "a" * 43, "%00"):
        browser.cookie = made_up
        assert browser.ask("GET", HOME)[0] == 303


def test_a_hub_without_the_option_has_no_console(running: RunningHub) -> None:
    assert Browser(running).ask("GET", SIGN_IN)[0] == 404


def test_a_person_signs_in_and_out(browser: Browser) -> None:
    status, _, headers = browser.sign_in(" Anna@Example.com ")
    assert (status, headers["Location"]) == (303, HOME)
    cookie = headers["Set-Cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/console"))
    assert "secure" not in cookie
    status, page, headers = browser.ask("GET", HOME)
    assert status == 200
    assert '<a href="/console/organisations/test">' in page
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    session = browser.cookie
    assert browser.ask("POST", "/console/sign-out", {"proof": browser.proof()})[0] == 303
    browser.cookie = session
    assert browser.ask("GET", HOME)[0] == 303, "the session itself has ended"


def test_over_https_the_cookie_is_never_sent_without(browser: Browser) -> None:
    headers = browser.sign_in(X_Forwarded_Proto="https")[2]
    assert "secure" in headers["Set-Cookie"].lower()


def test_a_session_can_not_be_fixed_beforehand(browser: Browser) -> None:
    browser.cookie = fixed = "A" * 43
    browser.sign_in()
    assert browser.cookie not in ("", fixed)
    first = browser.cookie
    browser.sign_in()
    assert browser.cookie != first
    again = Browser.__new__(Browser)
    again.__dict__.update(browser.__dict__, cookie=first)
    assert again.ask("GET", HOME)[0] == 303, "the former session of the browser has ended"


def test_forms_of_other_sites_are_refused(browser: Browser) -> None:
    for headers in (
        {"Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "same-site"},
    ):
        assert browser.sign_in(**headers)[0] == 403
    assert browser.cookie == ""
    browser.sign_in()
    for proof in ("", "x"):
        assert browser.ask("POST", "/console/sign-out", {"proof": proof})[0] == 403
    proof = browser.proof()
    refused = browser.ask(
        "POST", "/console/sign-out", {"proof": proof}, Sec_Fetch_Site="cross-site"
    )
    assert refused[0] == 403
    assert browser.ask("GET", HOME)[0] == 200


@pytest.mark.parametrize(
    "to",
    ["https://evil.example", "//evil.example", "/console\\evil", "/consolex", "/v1", "\r\nX: y"],
)
def test_the_sign_in_leads_to_pages_of_the_console_only(browser: Browser, to: str) -> None:
    page = browser.ask("GET", f"{SIGN_IN}?{urlencode({'to': to})}")[1]
    assert 'name="to" value="/console"' in page
    fields = {"email": EMAIL, "password": PASSWORD, "to": to}
    assert browser.ask("POST", SIGN_IN, fields)[2]["Location"] == HOME


def test_attempts_are_limited_for_known_and_unknown_people_alike(browser: Browser) -> None:
    for email in ("bob@example.com", "nobody@example.com"):
        for _ in range(5):
            status, page, _ = browser.sign_in(email, "wrong password")
            assert status == 401
            assert "The e-mail or the password is wrong." in page
        status, page, _ = browser.sign_in(email, "wrong password")
        assert status == 429
        assert "Try again in 15 minutes." in page
    assert browser.sign_in()[0] == 303, "others are not affected"


def test_a_new_password_and_a_removal_end_sessions(served: RunningHub, browser: Browser) -> None:
    email = "carl@example.com"
    with transactions(served.place) as transact:
        transact(set_user, email, hash_password(PASSWORD), SYSTEM_CLOCK.now())
    assert browser.sign_in(email)[0] == 303
    with transactions(served.place) as transact:
        transact(set_user, email, hash_password(PASSWORD + "2"), SYSTEM_CLOCK.now())
    assert browser.ask("GET", HOME)[0] == 303
    assert browser.sign_in(email)[0] == 401


def test_a_session_ends_after_two_hours_without_use(served: RunningHub, browser: Browser) -> None:
    browser.sign_in()
    with transactions(served.place) as transact:
        transact(_age_sessions, timedelta(hours=2, minutes=1))
    assert browser.ask("GET", HOME)[0] == 303


def test_the_overview_adds_up_as_the_api_does(served: RunningHub, browser: Browser) -> None:
    pair = served.add_organisation("Figures & co")
    api = Api(served.url, pair.key, pair.secret, "Figures & co")
    control = served.control.call
    own = "/organisations/Figures%20%26%20co"
    control("POST", f"{own}/clock/freeze", {"at": "2026-11-15T10:00:00Z"})
    api.post("/customers", customer("A", name="<b>Alpha</b>"))
    api.post("/customers", customer("B", name="Beta", parent={"externalId": "A"}))
    api.post("/customers", customer("C", name="Gamma"))
    for name, owner, amount, issued, due in (
        ("1", "A", 10000, "2026-11-05", "2026-12-05"),
        ("2", "B", 20000, "2026-10-01", "2026-10-31"),
        ("3", "C", 5000, "2026-06-01", "2026-07-01"),
    ):
        api.post("/invoices", invoice(name, owner, amount, issuedAt=issued, dueDate=due))
    api.post("/payments", payment("P", "C", 1000, validatedAt="2026-11-10"))
    api.post("/payments", payment("old", "A", 500, validatedAt="2026-10-01"))
    api.post("/credit_notes", credit_note("N", "A", 250))
    browser.sign_in()
    end = time.monotonic() + 30
    while True:
        status, page, _ = browser.ask("GET", "/console/organisations/Figures%20%26%20co")
        assert status == 200
        if "being computed" not in page or time.monotonic() > end:
            break
        time.sleep(0.05)
    said = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for text in (
        "Outstanding EUR 332.50 Due, not overdue EUR 100.00 Overdue EUR 250.00 Not applied "
        "EUR 17.50",
        # 15 days of November sold 100, 31 of October 200, and the rest is of June.
        "DSO by countback 168 days Payments of 30 days EUR 10.00 (1)",
        "Not due EUR 100.00 50 % 1 to 30 days EUR 200.00 100 % 31 to 60 days EUR 0.00 0 % "
        "61 to 90 days EUR 0.00 0 % More than 90 days EUR 50.00 25 %",
        "&lt;b&gt;Alpha&lt;/b&gt; A EUR 292.50 100 % Gamma C EUR 40.00 13 %",
    ):
        assert text in said, said
    place = "/console/organisations/Figures%20%26%20co/debtors"
    found = browser.get(place, currency="EUR")
    assert found.rows() == ["<b>Alpha</b> A", "Gamma C"]
    assert len(found.links("/customers/")) == 2
    assert "Nobody owes anything" in browser.get(place, currency="USD").words
    assert browser.ask("GET", "/console/organisations/nobody")[0] == 404
    api.close()


def test_a_snapshot_does_not_revive_sessions(served: RunningHub, browser: Browser) -> None:
    browser.sign_in()
    session = browser.cookie
    name = served.control.call("POST", "/snapshots", {})["name"]
    browser.ask("POST", "/console/sign-out", {"proof": browser.proof()})
    served.control.call("POST", f"/snapshots/{name}/restore")
    browser.cookie = session
    assert browser.ask("GET", HOME)[0] == 303
    browser.cookie = ""
    assert browser.sign_in()[0] == 303


def _age_sessions(db: Any, by: timedelta) -> None:
    moment = (SYSTEM_CLOCK.now() - by).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    db.execute("UPDATE console_session SET last_at = ?", (moment,))


def test_an_organisation_links_to_its_sync(browser: Browser) -> None:
    browser.sign_in()
    text = browser.ask("GET", "/console/organisations/test")[1]
    assert '<a href="https://sync.example.com/organisations/test">Its sync</a>' in text
