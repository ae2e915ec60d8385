"""The key pairs of an organisation: made and shown once, rotated, revoked."""

from __future__ import annotations

import functools
from datetime import timedelta

from msgspec import Struct
from starlette.responses import Response

from headrace.console.session import Pages, Seat
from headrace.model.clock import format_instant
from headrace.model.errors import BadRequest, ConfigurationError, NotFound
from headrace.store.admin.keys import KeyPair, find_key, keys_of, make_key, revoke_key, rotate_key
from headrace.store.connection import Connection
from headrace.store.context import Context

_NAME_MAX = 200
OVERLAPS = {"1 hour": timedelta(hours=1), "1 day": timedelta(days=1), "7 days": timedelta(days=7)}
"""How long a rotated key may still be used."""


class KeyRow(Struct, frozen=True):
    """A key as it is listed."""

    key: str
    name: str
    created: str
    used: str
    state: str
    active: bool
    rotates: bool


async def keys_page(
    seat: Seat,
    status: int = 200,
    errors: dict[str, str] | None = None,
    pair: KeyPair | None = None,
) -> Response:
    """All keys; `pair` is a new one, whose secret is shown once."""
    rows = await seat.read(_rows, format_instant(seat.desk.clock.now()))
    return seat.render(
        "keys.html",
        status,
        rows=rows,
        pair=pair,
        overlaps=list(OVERLAPS),
        given=seat.form,
        errors=errors or {},
        trail=(("Settings", seat.at("settings")), ("API keys", "")),
    )


async def new_key(seat: Seat) -> Response:
    """Make a key pair."""
    name = seat.form.text("name")
    if len(name) > _NAME_MAX:
        return await keys_page(seat, 400, {"name": f"At most {_NAME_MAX} characters."})
    run = functools.partial(make_key, name=name)
    now = format_instant(seat.desk.clock.now())
    pair = await seat.desk.store.write(0, run, seat.name, now)
    return await keys_page(seat, pair=pair)


async def rotate(seat: Seat) -> Response:
    """Make another pair of the same name; the old key ends by itself."""
    overlap = OVERLAPS.get(seat.form.get("overlap", ""))
    if overlap is None:
        return await keys_page(seat, 400, {"overlap": "Choose how long the old key lasts."})
    now = format_instant(seat.desk.clock.now())
    try:
        pair = await seat.desk.store.write(0, _own, seat.context, _key(seat), now, overlap)
    except ConfigurationError as error:
        return await keys_page(seat, 400, {"": str(error).partition(":")[0] + "."})
    return await keys_page(seat, pair=pair)


async def revoke(seat: Seat) -> Response:
    """Revoke a key, from the next request on."""
    now = format_instant(seat.desk.clock.now())
    try:
        await seat.desk.store.write(0, _own, seat.context, _key(seat), now, None)
    except ConfigurationError as error:
        return await keys_page(seat, 400, {"": str(error).partition(":")[0] + "."})
    return seat.redirect(seat.at("settings", "keys"))


KEY_PAGES: Pages = {
    "/settings/keys": ("GET", keys_page),
    "/settings/keys/new": ("POST", new_key),
    "/settings/keys/rotate": ("POST", rotate),
    "/settings/keys/revoke": ("POST", revoke),
}
"""Pages by their paths below an organisation's."""


def _key(seat: Seat) -> str:
    key = seat.form.get("key", "")
    if not key:
        raise BadRequest("Choose a key.")
    return key


def _own(
    db: Connection, context: Context, key: str, now: str, overlap: timedelta | None
) -> KeyPair | None:
    """Rotate or revoke a key of this organisation; keys of others are not there."""
    entry = find_key(db, key)
    if entry is None or entry.organisation != context.organisation.name:
        raise NotFound(f"There is no key {key}.")
    if overlap is not None:
        return rotate_key(db, key, overlap, now)
    revoke_key(db, key, now)
    return None


def _rows(db: Connection, context: Context, now: str) -> list[KeyRow]:
    found = []
    for one in keys_of(db, context.organisation):
        state = one.state(now)
        ended = one.expires_at is not None and one.expires_at <= now
        active = one.revoked_at is None and not ended
        found.append(
            KeyRow(
                one.key,
                one.name,
                one.created_at[:10],
                (one.last_used_at or "")[:16].replace("T", " "),
                state[: state.rfind(":")].replace("T", " ") if "T" in state else state,
                active,
                active and one.expires_at is None,
            )
        )
    return found
