"""The sync pages in a browser, as a person uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_inspection import assert_accessible, assert_fits, keep_dark, opened
from playwright.sync_api import expect
from portal_data import ARABIC, LONG
from sync_world import ANNA, HTML, World, sync_world

from headrace.testkit.hub import RunningHub


def enter(page: Any) -> None:
    """Press Enter, and wait for the page that follows."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, running: RunningHub) -> Iterator[World]:
    with sync_world(tmp_path_factory.mktemp("sync"), running) as made:
        made.companies["acme"].call(
            "PUT", "/invoices/external:C1-2", {"grossAmount": 6_000, "netAmount": 6_000}
        )
        made.companies["acme"].pay_in_portal("AR")
        made.command("reconcile", "-o", "acme")
        made.command("drift", "-o", "acme")
        made.command("collected", "list", "-o", "acme")
        made.round("acme")
        yield made


@pytest.fixture(scope="module")
def session(world: World, browser: Any) -> dict[str, Any]:
    """What a browser keeps of a signed-in person."""
    with opened(browser, f"{world.url}/organisations/acme") as page:
        assert page.get_by_role("heading", level=1).inner_text() == "Sign in"
        for name, secret, said in (
            ("anna", "not the secret of anna", "The name or the secret is wrong."),
            ("nobody", ANNA, "The name or the secret is wrong."),
        ):
            page.get_by_label("Name").fill(name)
            page.get_by_label("Secret").fill(secret)
            enter(page)
            assert page.get_by_role("alert").inner_text() == said
        assert_accessible(page)
        assert_fits(page, "sync-sign-in")
        # By keyboard alone: the skip link, the brand, the two fields.
        page.get_by_label("Name").focus()
        page.keyboard.type("anna")
        page.keyboard.press("Tab")
        page.keyboard.type(ANNA)
        enter(page)
        assert page.get_by_role("heading", level=1).inner_text() == "acme"
        state: dict[str, Any] = page.context.storage_state()
    return state


def test_organisations_come_by_trouble(world: World, browser: Any, session: Any) -> None:
    with opened(browser, world.url, storage_state=session) as page:
        names = page.get_by_role("article").get_by_role("heading").all_inner_texts()
        states = [re.sub(r"\s+", " ", name) for name in names]
        # What is refused or withheld is a trouble from the next look for new troubles on.
        assert states in (
            ["waits waiting", "acme behind", "empty in step"],
            ["acme in trouble", "waits waiting", "empty in step"],
        )
        assert_accessible(page)
        assert_fits(page, "sync-organisations")
        keep_dark(page, "sync-organisations")
        page.get_by_role("checkbox", name="Load again every 10 s").uncheck()
        page.get_by_role("link", name="acme").press("Enter")
        assert page.get_by_role("heading", level=1).inner_text() == "acme"


def test_an_organisation_has_its_rounds_and_what_needs_somebody(
    world: World, browser: Any, session: Any
) -> None:
    with opened(browser, f"{world.url}/organisations/acme", storage_state=session) as page:
        rejected = page.get_by_role("table", name="Records that the API refused")
        assert "Expected `str` of length" in rejected.inner_text()
        staying = page.get_by_role("table", name="Records that are not sent")
        row = staying.get_by_role("row", name="invoice INV-NODATE")
        assert "has no due_date" in row.inner_text() and "What to do:" in row.inner_text()
        row.get_by_text("Row of invoice NODATE").click()
        assert "NODATE" in row.get_by_role("definition").all_inner_texts()
        assert HTML in staying.inner_text()
        drifted = page.get_by_role("table", name="Records that the API stores differently")
        assert "stored 6000 (EUR 60.00)" in drifted.get_by_role("row", name="INV-C1-2").inner_text()
        money = page.get_by_role("table", name="Money that Upflow collected")
        assert ARABIC in money.inner_text() and "EUR 1,250.50" in money.inner_text()
        assert "sent, 1 rejected" in page.get_by_role("table", name="The last rounds").inner_text()
        assert_accessible(page)
        assert_fits(page, "sync-organisation")
        keep_dark(page, "sync-organisation")


def test_rejected_records_are_tried_again(world: World, browser: Any, session: Any) -> None:
    with opened(browser, f"{world.url}/organisations/acme", storage_state=session) as page:
        page.get_by_role("button", name="Retry the chosen ones").click()
        assert "No record is chosen." in page.get_by_role("main").inner_text()
        page.go_back()
        before = len(world.rounds)
        page.get_by_role("checkbox", name="Choose customer").check()
        page.get_by_role("button", name="Retry the chosen ones").click()
        assert page.get_by_role("status").inner_text() == (
            "1 rejected records are sent again by the next round."
        )
        world.wait(lambda: any(one.organisation == "acme" for one in world.rounds[before:]))
        tried = next(one for one in world.rounds[before:] if one.organisation == "acme")
        assert tried.outcome is not None and tried.outcome.rejected == 1


def test_an_empty_organisation_says_so(world: World, browser: Any, session: Any) -> None:
    with opened(browser, f"{world.url}/organisations/empty", storage_state=session) as page:
        assert "in step" in page.get_by_role("main").inner_text()
        assert_accessible(page)
        assert_fits(page, "sync-empty")
        page.get_by_role("link", name="Plan", exact=True).click()
        assert "Nothing to send" in page.get_by_role("main").inner_text()
        page.get_by_role("link", name="Reconciliation").click()
        assert "not compared yet" in page.get_by_role("main").inner_text()
        assert_accessible(page)


def test_the_reconciliation_shows_what_differs(world: World, browser: Any, session: Any) -> None:
    address = f"{world.url}/organisations/acme/reconciliation"
    with opened(browser, address, storage_state=session) as page:
        totals = page.get_by_role("table", name="Totals of all balances")
        row = totals.get_by_role("row", name="EUR").inner_text()
        assert "-EUR 1.23" in row and "EUR -1,250.50" in row
        heads = totals.get_by_role("columnheader").all_inner_texts()
        assert heads[1:4] == ["Source's own", "Models", "API"]
        assert "EUR 4,810.27" in row and "EUR 4,810.77" in row
        ages = page.get_by_role("table", name="Open amounts on the day")
        assert "EUR 4,810.77" in ages.get_by_role("row", name="EUR models").inner_text()
        long = page.get_by_role("article", name=LONG[:60])
        assert "source's own ≠ models" in long.inner_text()
        assert "EUR 1,250.00" in long.inner_text() and "EUR 1,250.50" in long.inner_text()
        northwind = page.get_by_role("article", name="Northwind Traders EUR")
        assert "EUR 60.00" in northwind.get_by_role("row", name="INV-C1-2").inner_text()
        assert_accessible(page)
        assert_fits(page, "sync-reconciliation")
        keep_dark(page, "sync-reconciliation")


def test_a_record_is_explained_from_its_row_to_the_balance(
    world: World, browser: Any, session: Any
) -> None:
    with opened(browser, f"{world.url}/organisations/acme", storage_state=session) as page:
        page.get_by_role("link", name="Explain a record").click()
        assert_accessible(page)
        page.get_by_role("searchbox").fill("there is none")
        enter(page)
        assert "There is no record there is none" in page.get_by_role("alert").inner_text()
        page.get_by_role("searchbox").fill("INV-C1-1")
        page.get_by_role("button", name="Explain").click()
        titles = page.get_by_role("listitem").get_by_role("heading").all_inner_texts()
        assert titles == [
            *("Source found", "Model made", "Sent sent", "API acknowledged"),
            "Balance EUR 1,058.27",
        ]
        page.get_by_text("120050 (EUR 1,200.50)").nth(1).wait_for()
        still = page.get_by_role("table", name="What is open of it")
        assert "EUR 1,000.50" in still.get_by_role("row", name="open").inner_text()
        owed = page.get_by_role("table", name="What customer C1 owes in EUR")
        assert "EUR 1,058.27" in owed.get_by_role("row", name="balance").inner_text()
        assert_accessible(page)
        assert_fits(page, "sync-explanation")
        keep_dark(page, "sync-explanation")
        page.get_by_role("searchbox").fill("invoice/NODATE")
        enter(page)
        assert "withheld: has no due_date" in page.get_by_role("main").inner_text()


def test_a_closed_book_is_opened_by_a_button_and_a_round_is_named(
    world: World, browser: Any, session: Any
) -> None:
    address = f"{world.url}/organisations/acme/explain?record=invoice/C1-1"
    books = world.loop.books
    assert books is not None
    books.drop("acme")
    with opened(browser, address, storage_state=session) as page:
        note = page.get_by_role("status")
        assert "closed between rounds. This is what the journal knows." in note.inner_text()
        assert page.get_by_role("listitem").get_by_role("heading").all_inner_texts() == [
            "API acknowledged"
        ]
        assert_accessible(page)
        assert_fits(page, "sync-explanation-closed")
        world.watch.observers.began("acme")
        page.reload()
        assert "A round has been at work since 20" in note.inner_text()
        expect(page.get_by_role("button", name="Open the book")).to_have_count(0)
        before = len(world.rounds)
        world.round("acme")
        page.goto(f"{world.url}/organisations/empty/explain?record=customer/NONE")
        books.drop("empty")
        page.reload()
        page.get_by_role("button", name="Open the book with a round now").click()
        world.wait(lambda: any(one.organisation == "empty" for one in world.rounds[before:]))
        world.wait(lambda: "empty" in books.names)
        page.reload()
        assert "There is no customer NONE" in page.get_by_role("alert").inner_text()


@pytest.mark.parametrize("scripts", [False, True], ids=["without scripts", "with scripts"])
def test_finance_reads_a_plan(world: World, browser: Any, session: Any, scripts: bool) -> None:
    """Money first, then customers; every request of one, and its PDF."""
    address = f"{world.url}/organisations/waits/plan"
    options = {"storage_state": session, "java_script_enabled": scripts}
    with opened(browser, address, **options) as page:
        money = page.get_by_role("region", name="What customers owe")
        assert "+EUR 620,004.35" in money.get_by_role("row", name="EUR").inner_text()
        customers = page.get_by_role("region", name="By customer").get_by_role("article")
        expect(customers).to_have_count(25)
        assert ARABIC in customers.nth(0).inner_text()
        assert LONG[:100] in customers.nth(1).inner_text()
        assert HTML in customers.nth(2).inner_text()
        page.get_by_role("link", name="Next").first.click()
        expect(customers).to_have_count(8)
        page.get_by_role("link", name="Previous").first.click()
        page.get_by_role("link", name="All 62 requests of").click()
        page.get_by_role("main").get_by_role("listitem").nth(49).wait_for()
        with page.expect_download() as waiting:
            page.get_by_role("link", name="PDF of INV-BIG-0").click()
        assert Path(waiting.value.path()).read_bytes().startswith(b"%PDF")
        if scripts:
            assert_accessible(page)
            assert_fits(page, "sync-plan-customer")
            page.get_by_role("link", name="The whole plan").click()
            assert_accessible(page)
            assert_fits(page, "sync-plan")
            keep_dark(page, "sync-plan")


def tab_to(page: Any, name: str) -> None:
    """Move the focus by the keyboard alone until it is on the control with this name."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.locator(":focus").inner_text().strip().startswith(name):
            return
    raise AssertionError(f"no way by the keyboard to {name}")


def test_a_person_approves_the_plan_by_keyboard_and_the_loop_sends_it(
    world: World, browser: Any, session: Any
) -> None:
    address = f"{world.url}/organisations/waits"
    with opened(browser, address, storage_state=session, java_script_enabled=False) as page:
        tab_to(page, "Skip to the content")
        tab_to(page, "Look at the plan")
        enter(page)
        before = len(world.rounds)
        with page.context.new_page() as other:
            other.goto(page.url)
            tab_to(page, "Approve plan")
            enter(page)
            assert re.search(r"approved|applied", page.get_by_role("main").inner_text())
            other.get_by_role("button", name="Approve plan").click()
            assert "does not wait any more" in other.get_by_role("main").inner_text()
        world.wait(lambda: any(one.outcome is not None for one in world.rounds[before:]))
        page.reload()
        main = page.get_by_role("main").inner_text()
        assert "Applied by headrace run" in main or "Nothing to send" in main
        assert world.companies["waits"].call("GET", "/customers/external:WAR")["balance"] > 0


@pytest.mark.parametrize("name", ["rejects", "withheld", "drift", "collected", "nothing-like-it"])
def test_the_pages_that_continue_lists_are_accessible(
    world: World, browser: Any, session: Any, name: str
) -> None:
    address = f"{world.url}/organisations/acme/records/{name}"
    with opened(browser, address, storage_state=session) as page:
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert_accessible(page)
