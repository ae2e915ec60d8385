"""The console in a browser: every page looked at, and used as people do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from console_desk import EMAIL, PASSWORD, add_person, console_hub, origin_of, session_of
from page_inspection import assert_accessible, assert_fits, keep_dark, opened
from playwright.sync_api import expect
from portal_data import ARABIC, LONG, Company, company_with_everything

from headrace.console.overview import Overviews
from headrace.console.page import ORGANISATION, console_pages
from headrace.testkit.hub import RunningHub

GET_PAGES = [path for path, (method, _) in console_pages(Overviews()).items() if method == "GET"]
_NO_PAGE = ("/picture",)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningHub]:
    with console_hub() as started:
        yield started


@pytest.fixture(scope="module")
def company(running: RunningHub) -> Company:
    made = company_with_everything(running, "contoso")
    made.customer("arabic", ARABIC)
    made.customer("long", LONG + LONG.replace(" ", ""), accountingRef="x" * 80)
    made.invoice("l" * 90, "long", 2**53, "2026-01-01", customId="N" * 120)
    for kind in ("TEXT", "BOOLEAN", "SELECT", "MULTI_SELECT", "DATE", "NUMBER"):
        field = {"label": f"{kind} {LONG}"[:100], "dataType": kind, "entityType": "PAYMENT"}
        made.call("POST", "/custom_fields", field)
    made.control("POST", "/users", {"email": f"{'long' * 15}@example.com", "firstName": ARABIC})
    made.control("POST", "/dunning_plans", {"name": LONG})
    refund = {
        "externalId": "R", "currency": "EUR", "amount": 5, "validatedAt": "2026-01-01",
        "customer": {"externalId": "C"},
    }  # fmt: skip
    made.call("POST", "/refunds", refund)
    rate = {"base": "EUR", "rates": {"USD": "1.1", "JPY": "160"}, "day": "2026-01-01"}
    running.control.call("POST", "/rates", rate)
    return made


@pytest.fixture(scope="module")
def session(running: RunningHub, browser: Any) -> Any:
    return session_of(running, browser)


Open = Callable[..., Any]


@pytest.fixture
def look(running: RunningHub, browser: Any, session: Any) -> Open:
    """Open a page of contoso as somebody who is signed in."""

    def look(path: str, **options: Any) -> Any:
        place = path if path.startswith("/console") else f"/console/organisations/contoso{path}"
        return opened(browser, origin_of(running) + place, storage_state=session, **options)

    return look


def _id_of(company: Company, kind: str, name: str) -> str:
    return str(company.call("GET", f"/{kind}/external:{name}")["id"])


def _place(company: Company, path: str) -> str:
    """Return the address of a page, with a record that has everything."""
    if not path.startswith(ORGANISATION):
        return path
    kind = path.removeprefix(ORGANISATION).split("/")[1:2]
    names = {"customers": "C", "invoices": "1", "payments": "P", "credit-notes": "N",
        "refunds": "R"}  # fmt: skip
    id = ""
    if "{id}" in path and kind[0] in names:
        id = _id_of(company, kind[0].replace("-", "_"), names[kind[0]])
    elif "{id}" in path:
        found: list[Any] = []
        while not found:
            query = f"organisation={company.name}&match=/payments&limit=1"
            found = company.running.control.call("GET", f"/requests?{query}")["requests"]
        id = found[0]["id"]
    return path.format(organisation=company.name, id=id)


@pytest.mark.parametrize("path", [one for one in GET_PAGES if not one.endswith(_NO_PAGE)])
def test_every_page_is_accessible_and_fits(company: Company, look: Open, path: str) -> None:
    name = path.removeprefix(ORGANISATION).removeprefix("/console").strip("/")
    name = "console-" + (re.sub(r"\W+", "-", name).strip("-") or "overview")
    if path.endswith(".csv"):
        return
    with look(_place(company, path)) as page:
        # Figures of a moment ago may still be computed.
        page.get_by_text("The figures are being computed").wait_for(state="detached")
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert_accessible(page)
        assert_fits(page, name)
        keep_dark(page, name)


def test_every_page_is_complete_without_scripts(
    running: RunningHub, company: Company, browser: Any, session: Any
) -> None:
    place = origin_of(running) + "/console"
    with opened(browser, place, storage_state=session, java_script_enabled=False) as page:
        for path in GET_PAGES:
            if path.endswith((".csv", *_NO_PAGE)):
                continue
            page.goto(origin_of(running) + _place(company, path))
            assert page.get_by_role("heading", level=1).is_visible(), path
            for hidden in page.locator("main [hidden]").all():
                assert hidden.get_attribute("class") == "keys", path


def test_hard_names_fit_and_keep_their_direction(company: Company, look: Open) -> None:
    for kind, name in (("customers", "long"), ("customers", "arabic"), ("invoices", "l" * 90)):
        with look(f"/{kind}/{_id_of(company, kind, name)}") as page:
            assert_accessible(page)
            assert_fits(page, f"console-{kind}-{name[:6]}")
            if name == "arabic":
                heading = page.get_by_role("heading", level=1).locator("bdi")
                assert heading.inner_text() == ARABIC


def test_an_empty_organisation_says_so_on_every_page(
    running: RunningHub, browser: Any, session: Any
) -> None:
    running.add_organisation("empty")
    own = origin_of(running) + "/console/organisations/empty"
    with opened(browser, own, storage_state=session) as page:
        page.get_by_text("Nothing is open").wait_for()
        for link in ("Customers", "Invoices", "Credit notes", "Payments", "Refunds"):
            page.get_by_role("link", name=link, exact=True).click()
            page.get_by_text("There is nothing yet").wait_for()
            assert_accessible(page)
        page.get_by_role("link", name="Requests", exact=True).click()
        page.get_by_text("No request is found").wait_for()
        page.get_by_role("link", name="Settings", exact=True).click()
        page.get_by_role("link", name="Dunning plans").click()
        page.get_by_text("There is none yet").wait_for()


def test_a_customer_with_ten_thousand_invoices(company: Company, look: Open) -> None:
    company.customer("many", "Ten Thousand AG")
    company.many("many", 10_000)
    with look(f"/customers/{_id_of(company, 'customers', 'many')}") as page:
        assert "10,000" in page.get_by_role("region", name="Balance", exact=True).inner_text()
        expect(page.get_by_role("region", name="Invoices").get_by_role("row")).to_have_count(11)
        assert_fits(page, "console-many")
        page.get_by_role("link", name="All invoices of this customer (10,000)").click()
        page.get_by_label("Search", exact=True).fill("M-09999")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_role("row", name="M-09999")).to_have_count(1)
        expect(page.get_by_text("Of the customer Ten Thousand AG only.")).to_have_count(1)


def test_a_list_is_used_by_keys_alone(company: Company, look: Open) -> None:
    with look("/invoices") as page:
        page.keyboard.press("/")
        page.keyboard.type("INV-")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Show all").wait_for()
        for key in ("j", "j", "k", "j"):
            page.keyboard.press(key)
        focused = page.evaluate("document.activeElement.textContent")
        assert focused == page.locator("tbody th a").nth(1).inner_text()
        page.keyboard.press("Enter")
        assert focused in page.get_by_role("heading", level=1).inner_text()
        # The first stop of the keyboard skips the navigation.
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"


def test_states_are_set_and_taken_back_without_scripts(company: Company, look: Open) -> None:
    company.invoice("state", "C", 5000, "2026-10-01")
    place = f"/invoices/{_id_of(company, 'invoices', 'state')}"
    with look(place, java_script_enabled=False) as page:
        page.get_by_text("Dispute", exact=False).first.wait_for()
        page.locator("summary", has_text="Dispute").click()
        page.get_by_role("button", name="Dispute the invoice").click()
        assert "Choose a reason." in page.get_by_role("alert").inner_text()
        reason = page.get_by_label("Reason")
        assert reason.get_attribute("aria-invalid") == "true"
        reason.select_option(label="Late delivery")
        page.get_by_label("Comment").fill("Three weeks late")
        page.get_by_role("button", name="Dispute the invoice").click()
        assert "In dispute" in page.get_by_role("heading", level=1).inner_text()
        page.get_by_role("button", name="Write off the invoice").click()
        assert "Written off" in page.get_by_role("heading", level=1).inner_text()
        assert company.call("GET", "/invoices/external:state")["state"] == "WRITTEN_OFF"
        page.get_by_role("button", name="Take back").click()
        assert "Overdue" in page.get_by_role("heading", level=1).inner_text()
    assert company.call("GET", "/invoices/external:state")["state"] == "OVERDUE"


def test_values_of_a_payment_are_given_and_wrong_ones_named(company: Company, look: Open) -> None:
    with look(f"/payments/{_id_of(company, 'payments', 'P')}") as page:
        region = page.get_by_role("region", name="Custom fields")
        region.get_by_label(re.compile("^NUMBER")).fill("many")
        region.get_by_role("button", name="Save the values").click()
        assert "write a number" in page.get_by_role("alert").inner_text()
        assert_accessible(page)
        number = page.get_by_label(re.compile("^NUMBER"))
        assert number.get_attribute("aria-invalid") == "true"
        number.fill("12.5")
        page.get_by_label(re.compile("^SELECT")).fill("Red")
        page.get_by_label(re.compile("^MULTI_SELECT")).fill("One\nTwo")
        page.get_by_role("button", name="Save the values").click()
        page.get_by_role("heading", name="History").wait_for()
        assert page.get_by_label(re.compile("^NUMBER")).input_value() == "12.5"
        assert page.get_by_label(re.compile("^MULTI_SELECT")).input_value() == "One\nTwo"


def test_requests_appear_by_themselves_and_can_be_paused(company: Company, look: Open) -> None:
    with look("/requests") as page:
        company.customer("fresh", "Fresh")
        page.get_by_role("cell", name="customer fresh").wait_for()
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("button", name="Continue")).to_have_count(1)
        page.get_by_role("row", name="customer fresh").get_by_role("link").click()
        assert "Fresh" in page.get_by_role("region", name="What was sent").inner_text()
        page.get_by_role("link", name="customer fresh").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Fresh"


def test_a_request_is_copied_as_curl(company: Company, look: Open) -> None:
    place = f"/customers/{_id_of(company, 'customers', 'C')}"
    grants = {"permissions": ["clipboard-read", "clipboard-write"]}
    with look(place, **grants) as page:
        page.get_by_role("button", name="Copy: Request with curl").click()
        page.get_by_text("Copied").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith(f'curl "{company.running.url}/customers/')


def test_a_key_is_made_used_and_revoked(company: Company, look: Open) -> None:
    with look("/settings/keys") as page:
        page.get_by_label("For").fill("the till")
        page.get_by_role("button", name="Make a key pair").click()
        key = page.get_by_role("region", name="Key", exact=True).inner_text()
        assert page.get_by_role("region", name="Secret").inner_text()
        assert_accessible(page)
        page.get_by_label(f"Revoke {key}", exact=True).click()
        page.get_by_role("button", name=f"Revoke {key}: really").click()
        assert "revoked" in page.get_by_role("row", name=key).inner_text()


def test_the_sample_of_the_portal_follows_the_settings(
    company: Company, look: Open, tmp_path: Path
) -> None:
    with look("/settings/portal") as page:
        page.get_by_label("Name", exact=True).fill("Sampled Ltd")
        page.get_by_label("Sample").fill("C")
        page.get_by_role("button", name="Save").click()
        frame = page.frame_locator("iframe")
        frame.get_by_text("Sampled Ltd").first.wait_for()
        assert_accessible(page)
        wrong = tmp_path / "logo.svg"
        wrong.write_text("<svg/>")
        page.get_by_label("Picture").set_input_files(wrong)
        page.get_by_role("button", name="Set the logo").click()
        assert "is no PNG" in page.get_by_role("alert").inner_text()


def test_a_fault_is_armed_and_seen(company: Company, look: Open) -> None:
    with look("/testing") as page:
        page.get_by_role("button", name="Arm the fault").click()
        assert "Fault is required." in page.get_by_role("alert").inner_text()
        page.get_by_label("Fault", exact=True).select_option(
            label="429, too many requests, again in 5 s"
        )
        page.get_by_label("Requests", exact=True).fill("GET /users")
        page.get_by_role("button", name="Arm the fault").click()
        armed = page.get_by_role("button", name=re.compile("^Disarm"))
        assert "GET /users" in armed.get_attribute("aria-label")
        assert_accessible(page)
        armed.click()
        page.get_by_text("No fault is armed").wait_for()


def test_the_api_is_tried(company: Company, look: Open) -> None:
    with look("/api?operation=GET+/customers") as page:
        page.get_by_label("Path").fill("/v1/customers?limit=1")
        page.get_by_role("button", name="Send the request").click()
        assert '"limit": 1' in page.get_by_role("region", name="Body of the answer").inner_text()
        assert_accessible(page)


def test_a_person_signs_in_with_the_keyboard_and_out(running: RunningHub, browser: Any) -> None:
    add_person(running, "bob@example.com", ["test"])
    with opened(browser, origin_of(running) + "/console") as page:
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_label("Password").fill("not the password")
        page.keyboard.press("Enter")
        assert "The e-mail or the password is wrong." in page.get_by_role("alert").inner_text()
        assert_accessible(page)
        assert_fits(page, "console-sign-in")
        page.get_by_label("E-mail").fill("bob@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="test").wait_for()
        expect(page.get_by_role("link", name="contoso")).to_have_count(0)
        page.get_by_role("button", name="Sign out").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Sign in"
