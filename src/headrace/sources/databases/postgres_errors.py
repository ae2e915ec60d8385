"""What to do about errors of PostgreSQL."""

from __future__ import annotations

import re

_DENIED = re.compile(r"permission denied for (\w[\w ]*?) (\"?)([^\s\".]+)\2")
_PASSING = ("conflict with recovery", "restart WAL", "the database system is starting up")


def is_passing(message: str) -> bool:
    """Whether the same reading may succeed at once: a replica ends statements that are in the way
    of changes of its primary."""
    return any(words in message for words in _PASSING)


def remedy(message: str, user: str) -> str:
    """Return a sentence about what to do, with a space before it; empty when there is none."""
    denied = _DENIED.search(message)
    to = user or "the user"
    if denied:
        kind, name = denied[1], denied[3]
        if kind == "schema":
            return f" Allow it: grant usage on schema {name} to {to}."
        if kind in ("table", "view", "materialized view", "relation", "foreign table"):
            return f" Allow it: grant select on {name} to {to}."
        if kind == "function":
            return f" Allow it: grant execute on function {name} to {to}."
    if "statement timeout" in message:
        return (
            f" The server's limit for the time of a statement ended it: alter role {to} set "
            "statement_timeout = 0, or read less through source.tables."
        )
    if "conflict with recovery" in message:
        return (
            " The replica was busy with changes of its primary, twice: raise its "
            "max_standby_streaming_delay, or set hot_standby_feedback = on."
        )
    if "SSL" in message and "no encryption" in message:
        return " Add ?sslmode=require to the address."
    return ""
