"""The portal for all kinds of readers: without scripts, by keyboard, in four languages, with very
much or nothing to see, and with links that have ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from page_inspection import assert_accessible, assert_fits, opened
from playwright.sync_api import expect
from portal_data import Company, company_with_everything

from headrace.testkit.hub import RunningHub

MANY = 10_000
FIRST_VIEW_MAX = 300_000
"""Bytes of the page, its style sheets and its scripts together."""
PAGE_MAX = 20_000
"""Pixels of the longest page on a phone."""


@pytest.fixture(scope="module")
def company(running: RunningHub) -> Iterator[Company]:
    yield company_with_everything(running, "readers")


def test_everything_works_without_scripts(company: Company, browser: Any) -> None:
    with opened(browser, company.link("C"), java_script_enabled=False) as page:
        expect(page.locator("#selected")).not_to_be_visible()
        page.get_by_role("checkbox", name="Choose INV-1").check()
        page.get_by_role("button", name="Continue with the selection").click()
        page.get_by_label("Day").fill("2026-11-26")
        page.get_by_role("button", name="Send the promise").click()
        alert = page.get_by_role("alert")
        assert "Choose today or a later day." in alert.inner_text()
        page.get_by_label("Day").fill("2026-12-05")
        page.get_by_role("button", name="Send the promise").click()
        assert "you will pay on 5 Dec 2026" in page.get_by_role("status").first.inner_text()
        row = page.get_by_role("row", name="INV-1 ")
        assert "Promised for 5 Dec 2026" in row.inner_text()


def test_a_dispute_is_made_by_keyboard_alone(company: Company, browser: Any) -> None:
    with opened(browser, company.link("C")) as page:

        def go_to(name: str) -> None:
            for _ in range(60):
                page.keyboard.press("Tab")
                focused = page.evaluate(
                    "document.activeElement.ariaLabel || document.activeElement.innerText"
                    " || document.activeElement.name"
                )
                if focused == name:
                    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                    assert outline == "solid", f"the focus on {name} can't be seen"
                    return
            raise AssertionError(f"{name} is not reached by Tab")

        go_to("Skip to the content")
        page.keyboard.press("Enter")
        go_to("Choose INV-2")
        page.keyboard.press("Space")
        go_to("Continue with the selection")
        page.keyboard.press("Enter")
        page.wait_for_url("**/selection?**")
        go_to("Send the dispute")
        page.keyboard.press("Enter")
        page.get_by_role("alert").wait_for()
        assert_accessible(page)
        assert_fits(page, "portal-errors")
        go_to("Choose a reason.")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.get_by_label("Reason").focus()
        page.keyboard.type("The price")
        page.keyboard.press("Tab")
        page.keyboard.type("10 % less was agreed")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_text("We have noted the dispute").wait_for()
        assert "In dispute" in page.get_by_role("row", name="INV-2 ").inner_text()


@pytest.mark.parametrize(
    ("locale", "heading", "button"),
    [
        ("fr-FR", "Factures ouvertes", "Continuer avec la sélection"),
        ("de-DE", "Offene Rechnungen", "Weiter mit der Auswahl"),
        ("es-ES", "Facturas abiertas", "Continuar con la selección"),
    ],
)
def test_each_language_fits_on_the_smallest_phone(
    company: Company, browser: Any, locale: str, heading: str, button: str
) -> None:
    language = locale[:2]
    with opened(browser, company.link("C"), locale=locale) as page:
        assert page.locator("html").get_attribute("lang") == language
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert_fits(page, f"portal-{language}")
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_role("link", name="English").click()
        assert page.locator("html").get_attribute("lang") == "en"


def test_ten_thousand_invoices_are_a_short_light_page(company: Company, browser: Any) -> None:
    company.customer("big", "Big AG")
    company.many("big", MANY)
    with opened(browser) as page:
        sizes: list[int] = []
        page.on("response", lambda got: sizes.append(len(got.body())))
        page.set_viewport_size({"width": 320, "height": 900})
        page.goto(company.link("big"))
        assert sum(sizes) <= FIRST_VIEW_MAX
        assert page.evaluate("document.documentElement.scrollHeight") <= PAGE_MAX
        assert "1 to 50 of 10000" in page.get_by_role("navigation", name="Pages").inner_text()
        page.get_by_role("link", name="Next").click()
        assert "51 to 100 of 10000" in page.get_by_role("navigation", name="Pages").inner_text()
        page.get_by_label("Search").fill("M-0999")
        page.get_by_role("button", name="Apply").click()
        assert "10 invoices" in page.get_by_role("search").inner_text()
        page.get_by_role("button", name="Continue with all 10").click()
        assert "10 invoices" in page.get_by_role("region", name="Total").inner_text()


def test_a_page_without_anything_to_see_says_so(running: RunningHub, browser: Any) -> None:
    empty = Company(running, "empty")
    empty.customer("nobody", "Nobody Ltd")
    with opened(browser, empty.link("nobody")) as page:
        expect(page.get_by_text("Nothing is open")).to_be_visible()
        expect(page.get_by_text("There is no history yet")).to_be_visible()
        assert_accessible(page)
        assert_fits(page, "portal-empty")


def test_a_link_that_has_ended_says_whom_to_ask(company: Company, browser: Any) -> None:
    link = company.link("C", expiresIn=60)
    company.control("POST", "/clock/advance", {"by": "61s"})
    with opened(browser, link) as page:
        assert page.get_by_role("heading", level=1).inner_text() == "This link has expired"
        expect(page.get_by_role("link", name="ada@contoso.example")).to_be_visible()
        assert_accessible(page)
        assert_fits(page, "portal-expired")
        page.goto(link + "x")
        assert page.get_by_role("heading", level=1).inner_text() == "This link is not known here"


def test_a_payment_ends_with_thanks_or_with_what_to_do_instead(
    company: Company, browser: Any
) -> None:
    with opened(browser, company.link("south")) as page:
        company.control("PUT", "/portal", {"payments": "failing"})
        page.get_by_role("button", name="Continue with this invoice").click()
        page.get_by_role("button", name="Pay €987.65").click()
        assert "Nothing was charged." in page.get_by_role("alert").inner_text()
        assert_fits(page, "portal-failed")
        company.control("PUT", "/portal", {"payments": "on"})
        page.get_by_label("Or a part of it").fill("1,234.56")
        page.get_by_role("button", name="Pay this part").click()
        assert "Write an amount such as" in page.get_by_role("alert").inner_text()
        assert_accessible(page)
        page.get_by_label("Or a part of it").fill("87.65")
        page.get_by_role("button", name="Pay this part").click()
        assert "€87.65" in page.get_by_role("status").inner_text()
        page.get_by_role("link", name="Back to the overview").click()
        page.get_by_role("button", name="Continue with this invoice").click()
        page.get_by_role("button", name="Pay €900.00").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Thank you"
        assert "€900.00" in page.get_by_role("status").inner_text()
        assert_accessible(page)
        assert_fits(page, "portal-thanks")
        page.get_by_role("link", name="Back to the overview").click()
        expect(page.get_by_text("Nothing is open")).to_be_visible()
