"""Fixtures that any test may ask for."""

from postgres import postgres_database, postgres_server

__all__ = ["postgres_database", "postgres_server"]
