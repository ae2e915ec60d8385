"""A hub with a console for the tests of its pages, and somebody who is signed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from page_inspection import opened

from headrace.model.clock import SYSTEM_CLOCK
from headrace.store.admin.console_users import limit_user, set_user
from headrace.store.engine.place import transactions
from headrace.testkit.hub import RunningHub, hub
from passwords import quick_hash

EMAIL, PASSWORD = "anna@example.com", "correct horse battery"


@contextmanager
def console_hub() -> Iterator[RunningHub]:
    """Run a hub with a console that one person can sign in to."""
    with hub(console=True) as started:
        add_person(started, EMAIL)
        yield started


def add_person(running: RunningHub, email: str, only: list[str] | None = None) -> None:
    """Let a person sign in, to all organisations or to some."""
    with transactions(running.place) as transact:
        transact(set_user, email, quick_hash(PASSWORD), SYSTEM_CLOCK.now())
        transact(limit_user, email, only)


def origin_of(running: RunningHub) -> str:
    """Return the address of the hub."""
    return running.url.removesuffix("/v1")


def session_of(running: RunningHub, browser: Any, email: str = EMAIL) -> Any:
    """Sign in, and return what a context needs to be signed in."""
    with opened(browser, origin_of(running) + "/console") as page:
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Organisations").wait_for()
        return page.context.storage_state()
