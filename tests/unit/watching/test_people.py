"""Who may use the sync pages, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headrace.model.alert_settings import RunSettings
from headrace.model.errors import ConfigurationError
from headrace.model.project_file import parse_project
from headrace.watching.pages.amounts import with_money
from headrace.watching.pages.people import SESSION_S, People

SECRET = "twelve chars"
_PROJECT = """
[organisation.a]
target = { key = "env:KEY", secret = "env:SECRET" }
source = { kind = "sql", url = "sqlite:///a.db" }
"""


class StoppedClock:
    """Time that only the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 27, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def people(clock: StoppedClock) -> People:
    return People({"anna": SECRET, "bén": "another secret"}, clock)


def test_a_session_is_found_by_its_token_until_it_ends(people: People, clock: StoppedClock) -> None:
    token = people.sign_in("bén", "another secret")
    assert len(token) >= 43 and people.who(token) == "bén"
    assert people.who("") == people.who(token + "x") == people.who("\udcff") == ""
    clock.seconds += SESSION_S
    assert people.who(token) == "bén"
    clock.seconds += 1
    assert people.who(token) == ""
    again = people.sign_in("bén", "another secret")
    people.sign_out(again)
    people.sign_out("no session")
    assert people.who(again) == ""


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("anna", ""),
        ("anna", "another secret"),
        ("anna", SECRET + " "),
        ("Anna", SECRET),
        ("", SECRET),
        ("", ""),
        ("carl", "\udcff"),
    ],
)
def test_nobody_else_gets_in(people: People, name: str, secret: str) -> None:
    assert people.sign_in(name, secret) == ""


def test_failed_attempts_block_the_name_alone_and_for_a_while(
    people: People, clock: StoppedClock
) -> None:
    for _ in range(4):
        people.sign_in("anna", "guess")
    assert not people.is_blocked("anna")
    assert people.sign_in("anna", SECRET)
    for _ in range(5):
        people.sign_in("anna", "guess")
    assert people.is_blocked("anna") and not people.is_blocked("bén")
    clock.seconds += 899
    assert people.is_blocked("anna")
    clock.seconds += 1
    assert not people.is_blocked("anna")


def test_what_is_remembered_is_bounded(people: People) -> None:
    tokens = [people.sign_in("anna", SECRET) for _ in range(1_001)]
    assert people.who(tokens[0]) == "" and people.who(tokens[-1]) == "anna"
    for number in range(1_001):
        people.sign_in(f"name {number}", "guess")
    assert len(people._failed) == 1_000


def test_a_form_belongs_to_its_session_and_process(people: People, clock: StoppedClock) -> None:
    one, other = people.sign_in("anna", SECRET), people.sign_in("anna", SECRET)
    assert people.is_proven(people.proof(one), one)
    assert not people.is_proven(people.proof(one), other)
    assert not people.is_proven(people.proof(""), one)
    restarted = People({"anna": SECRET}, clock)
    assert not restarted.is_proven(people.proof(""), "")


def test_a_short_secret_is_refused(clock: StoppedClock) -> None:
    with pytest.raises(ConfigurationError, match=r"\[run.people\] anna: a secret has at least 12"):
        People({"anna": "too short"}, clock)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('people = { anna = "correct horse battery" }', "a secret never stands in this file"),
        ('people = { " " = "env:A" }', "is no name"),
        ('people = { "a\\nb" = "env:A" }', "is no name"),
        ('hosts = ["https://sync.example.com"]', "is no name of a host"),
        ('hosts = ["sync.example.com:443"]', "is no name of a host"),
        ('hosts = [""]', "is no name of a host"),
        ('pages = "yes"', "Expected `bool`"),
    ],
)
def test_settings_that_can_not_be_are_refused(settings: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        parse_project(f"{_PROJECT}\n[run]\n{settings}".encode(), "headrace.toml")


def test_pages_are_off_unless_they_are_set() -> None:
    run = parse_project(_PROJECT.encode(), "headrace.toml").run
    assert run == RunSettings() and not run.pages and not run.people


@pytest.mark.parametrize(
    ("name", "value", "currency", "shown"),
    [
        ("gross_amount", "120050", "EUR", "120050 (EUR 1,200.50)"),
        ("linkedInvoices[I].amountLinked", "-5", "JPY", "-5 (JPY -5)"),
        ("amount", "12.5", "EUR", "12.5"),
        ("amount", "", "EUR", ""),
        ("amount", "5", "", "5"),
        ("custom_id", "120050", "EUR", "120050"),
    ],
)
def test_amounts_are_followed_by_their_money(
    name: str, value: str, currency: str, shown: str
) -> None:
    assert with_money(name, value, currency) == shown
