"""Fixtures that any test may ask for."""

import signal
from typing import Any

from mariadb import mariadb_database, mariadb_server
from postgres import postgres_database, postgres_server

__all__ = ["mariadb_database", "mariadb_server", "postgres_database", "postgres_server"]

# A shell's background jobs ignore SIGINT, and so would every command that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say clearly that pages were not tested: a skipped test is one letter among thousands."""
    skipped = [str(one.longrepr) for one in terminalreporter.stats.get("skipped", ())]
    without_browser = [why for why in skipped if "no browser:" in why]
    if without_browser:
        said = without_browser[0].partition("no browser:")[2].rstrip("')")
        terminalreporter.write_line(f"{len(without_browser)} tests of pages skipped:{said}")
