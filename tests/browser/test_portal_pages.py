"""The portal in a browser, as a customer uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from page_inspection import assert_accessible, assert_fits, keep_dark, opened
from playwright.sync_api import expect
from portal_data import ARABIC, LONG, Company, company_with_everything

from headrace.testkit.hub import RunningHub


@pytest.fixture(scope="module")
def company(running: RunningHub) -> Iterator[Company]:
    yield company_with_everything(running, "everything")


def test_the_overview_shows_all_in_order_accessible_at_every_width(
    company: Company, browser: Any
) -> None:
    with opened(browser, company.link("C")) as page:
        assert page.get_by_role("banner").inner_text().startswith("Contoso Supplies")
        headings = [one.inner_text() for one in page.get_by_role("heading").all()]
        assert headings == [
            "Nordwind AG",
            "Open invoices",
            "Credit notes and payments not applied yet",
            "How to pay",
            "Statement of account",
            "Documents",
            "Questions",
        ]
        euros = page.get_by_role("region", name="Sums in EUR").inner_text().split("\n")
        assert euros == [
            "Due now", "€1,534.56", "Overdue", "€1,234.56", "Oldest overdue", "57 days",
            "Due later", "€987.65", "Not applied", "€35.00", "Outstanding", "€2,487.21",
        ]  # fmt: skip
        rows = page.get_by_role("table", name="Open invoices").get_by_role("row")
        shown = " ".join(rows.nth(1).inner_text().split())
        assert shown == "INV-1 2 Jan 2026 1 Oct 2026 57 €1,234.56 €1,234.56 Overdue PDF"
        expect(
            page.get_by_role("img", name="QR code for a SEPA transfer of €2,487.21")
        ).to_be_visible()
        page.get_by_text("History").first.click()
        expect(page.get_by_role("table", name="History").get_by_role("row")).to_have_count(2)
        assert_accessible(page)
        assert_fits(page, "portal-overview")
        keep_dark(page, "portal-overview")
        page.emulate_media(media="print")
        expect(page.get_by_role("button", name="Apply")).not_to_be_visible()


def test_a_selection_shows_its_total_and_what_can_be_done(company: Company, browser: Any) -> None:
    with opened(browser, company.link("C")) as page:
        total = page.locator("#selected")
        assert total.inner_text() == "Nothing selected yet"
        page.get_by_role("checkbox", name="Choose INV-1").check()
        page.get_by_role("checkbox", name="Choose INV-4").check()
        assert total.inner_text() == "Selected: 2 · €1,234.56 + US$5,000.00"
        page.get_by_role("button", name="Continue with the selection").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Your selection"
        expect(page.get_by_role("button", name="Pay €1,234.56 + US$5,000.00")).to_be_visible()
        assert_accessible(page)
        assert_fits(page, "portal-selection")
        keep_dark(page, "portal-selection")


def test_names_of_any_length_and_direction_are_shown(company: Company, browser: Any) -> None:
    company.customer("long", LONG)
    company.customer("arabic", ARABIC, parent={"externalId": "long"})
    company.invoice("long", "long", 10**13, "2026-01-01", customId="N" * 90)
    company.invoice("arabic", "arabic", 1, "2026-12-01", customId=f"{ARABIC} 1")
    with opened(browser, company.link("long")) as page:
        assert page.get_by_role("heading", level=1).inner_text() == LONG
        expect(page.get_by_role("row", name=ARABIC)).to_be_visible()
        assert_fits(page, "portal-names")
