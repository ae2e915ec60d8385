"""Fixtures that any test may ask for."""

import signal

from mariadb import mariadb_database, mariadb_server
from postgres import postgres_database, postgres_server

__all__ = ["mariadb_database", "mariadb_server", "postgres_database", "postgres_server"]

# A shell's background jobs ignore SIGINT, and so would every command that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
