"""The console in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from page_inspection import assert_accessible, assert_fits, keep_dark, opened
from portal_data import company_with_everything

from headrace.console.passwords import hash_password
from headrace.model.clock import SYSTEM_CLOCK
from headrace.store.admin.console_users import set_user
from headrace.store.engine.place import transactions
from headrace.testkit.hub import RunningHub, hub

EMAIL, PASSWORD = "anna@example.com", "correct horse battery"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningHub]:
    with hub(console=True) as started:
        with transactions(started.place) as transact:
            transact(set_user, EMAIL, hash_password(PASSWORD), SYSTEM_CLOCK.now())
        yield started


def test_a_person_signs_in_and_sees_what_an_organisation_is_owed(
    running: RunningHub, browser: Any
) -> None:
    company_with_everything(running, "contoso")
    with opened(browser, running.url.removesuffix("/v1") + "/console") as page:
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_label("Password").fill("not the password")
        page.keyboard.press("Enter")
        assert "The e-mail or the password is wrong." in page.get_by_role("alert").inner_text()
        assert_accessible(page)
        assert_fits(page, "console-sign-in")
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Organisations"
        assert_accessible(page)
        assert_fits(page, "console-organisations")
        page.get_by_role("link", name="contoso").click()
        euros = page.get_by_role("region", name="EUR")
        assert "EUR 2,487.21" in euros.inner_text()
        ages = euros.get_by_role("table", name="Ageing of open invoices, by days past due")
        assert "31 to 60 days" in ages.get_by_role("row", name="EUR 1,234.56").inner_text()
        assert_accessible(page)
        assert_fits(page, "console-overview")
        keep_dark(page, "console-overview")
        page.get_by_role("button", name="Sign out").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Sign in"
