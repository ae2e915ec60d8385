"""Open drivers: lent to one user at a time, kept, and closed when there are too many."""

from __future__ import annotations

import pytest

from headrace.sources.databases.drivers import OpenDrivers


class _Database:
    closed = False

    def close(self) -> None:
        self.closed = True


class _Driver:
    def __init__(self) -> None:
        self.opened: list[_Database] = []

    def connect(self, url: str) -> _Database:
        if url == "wrong":
            raise ValueError(url)
        self.opened.append(_Database())
        return self.opened[-1]


def test_a_database_is_opened_once_for_readings_in_turn() -> None:
    driver, drivers = _Driver(), OpenDrivers()
    for _ in range(3):
        with drivers.lent(driver, "a") as database:
            assert database is driver.opened[0]
    assert [one.closed for one in driver.opened] == [False]


def test_two_users_at_once_have_a_database_each_and_one_is_kept() -> None:
    driver, drivers = _Driver(), OpenDrivers()
    with drivers.lent(driver, "a") as first, drivers.lent(driver, "a") as second:
        assert first is not second
    assert [one.closed for one in driver.opened].count(False) == 1
    with drivers.lent(driver, "a") as third:
        assert not third.closed


def test_after_an_error_the_next_attempt_starts_anew() -> None:
    driver, drivers = _Driver(), OpenDrivers()
    with pytest.raises(KeyError), drivers.lent(driver, "a"):
        raise KeyError
    with drivers.lent(driver, "a") as database:
        assert database is driver.opened[1]
    assert driver.opened[0].closed
    with pytest.raises(ValueError, match="wrong"), drivers.lent(driver, "wrong"):
        pass


def test_the_one_that_was_idle_longest_is_closed_when_there_are_too_many() -> None:
    driver, drivers = _Driver(), OpenDrivers(most=2)
    for url in ("a", "b", "a", "c"):
        with drivers.lent(driver, url):
            pass
    assert [one.closed for one in driver.opened] == [False, True, False]
