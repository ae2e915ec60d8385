"""Makes a sandbox in one transaction: organisation, key pair, data, limits, clock and expiry."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from headrace.control.profiles import ProfileChoice, Profiles
from headrace.control.sandbox_records import SandboxDraft
from headrace.control.seed import play_seed
from headrace.control.seed_line import SeedLine, check_lines
from headrace.model.clock import format_instant, parse_instant, parse_interval
from headrace.model.errors import BadRequest, ConfigurationError, Conflict
from headrace.server.admission.limits import parse_limits
from headrace.store.admin.frozen_clock import Times, check_moment, stop_clock
from headrace.store.admin.keys import KeyPair, make_key
from headrace.store.admin.sandboxes import Sandbox, counts_of, find_sandbox, mark_sandbox
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.organisations import find_organisation, make_organisation

_SECONDS_MAX = 3650 * 86_400
_DIGITS_MAX = 9
_NUMBER = 1
"""The seed's number where only a profile's name is given, or lines."""


class Wanted(Struct, frozen=True):
    """A sandbox to be made, checked as far as that is possible without the database."""

    name: str
    lines: list[SeedLine]
    number: int
    now: datetime
    expires: datetime | None
    limits: str | None
    clock: datetime | None
    currency: str
    time_zone: str


class Made(Struct, frozen=True):
    """A sandbox that was made."""

    sandbox: Sandbox
    pair: KeyPair
    counts: dict[str, int]
    named: dict[str, str]


def want_sandbox(
    draft: SandboxDraft, now: datetime, profiles: Profiles, *, test_mode: bool
) -> Wanted:
    """Check a draft and generate its data. `now` is the real time. Raises BadRequest that names
    the field."""
    clock = _clock(draft.clock, test_mode)
    choice = _choice(draft.seed, profiles)
    if isinstance(choice, ProfileChoice):
        today = (clock or now).date()
        lines = profiles.lines(choice.profile, choice.entities, choice.number, today)
    else:
        lines = choice
    return Wanted(
        name=draft.name if isinstance(draft.name, str) else f"sandbox-{os.urandom(6).hex()}",
        lines=lines,
        number=choice.number if isinstance(choice, ProfileChoice) else _NUMBER,
        now=now,
        expires=_expiry(draft.expires_in, now),
        limits=_limits(draft.limits),
        clock=clock,
        currency=draft.currency,
        time_zone=draft.time_zone,
    )


def make_sandbox(db: Connection, wanted: Wanted, times: Times) -> Made:
    """Make the sandbox within the caller's transaction, which belongs to no organisation.

    Raises Conflict when the name is taken, BadRequest when a line of the seed is refused or the
    time zone is unknown; the caller rolls back.
    """
    if find_organisation(db, wanted.name) is not None:
        problem = f"there is an organisation {wanted.name} already"
        raise Conflict(f"name: {problem}; choose another name.", (("name", problem),))
    timestamp = format_instant(wanted.now)
    try:
        organisation = make_organisation(
            db, wanted.name, wanted.currency, wanted.time_zone, timestamp
        )
    except ConfigurationError as error:
        raise _problem("timeZone", str(error).rstrip(".")) from None
    mark_sandbox(db, organisation, wanted.limits, wanted.now, wanted.expires)
    if wanted.clock is not None:
        stop_clock(db, organisation.seq, wanted.clock)
    pair = make_key(db, wanted.name, timestamp, "sandbox")
    named = {}
    if wanted.lines:
        context = Context(organisation, wanted.clock or wanted.now)
        named = _play(db, context, wanted, times)
    sandbox = find_sandbox(db, wanted.name)
    assert sandbox is not None
    return Made(sandbox, pair, counts_of(db, organisation), named)


def _play(db: Connection, context: Context, wanted: Wanted, times: Times) -> dict[str, str]:
    # Ids are unique in the whole hub, also where two sandboxes with one seed stop at one moment.
    chance = f"{wanted.name}/{wanted.number}"
    try:
        return play_seed(db, context, wanted.lines, times, chance).named
    except BadRequest as error:
        details = tuple((f"seed: {field}", text) for field, text in error.details)
        raise BadRequest(f"seed: {error}", (("seed", str(error)), *details)) from None


def _choice(seed: Any, profiles: Profiles) -> ProfileChoice | list[SeedLine]:
    if seed is None:
        return []
    if isinstance(seed, list):
        try:
            return check_lines(seed)
        except BadRequest as error:
            raise BadRequest(f"seed: {error}", (("seed", str(error)), *error.details)) from None
    choice = ProfileChoice(profile=seed) if isinstance(seed, str) else seed
    if choice.profile not in profiles.names:
        field = "seed" if isinstance(seed, str) else "seed.profile"
        names = ", ".join(profiles.names) or "none"
        raise _problem(field, f"there is no profile {choice.profile[:40]!r}; there are: {names}")
    return choice


def _expiry(given: str | int | None, now: datetime) -> datetime | None:
    if given is None:
        return None
    if isinstance(given, str):
        try:
            return now + parse_interval(given)
        except ValueError as error:
            raise _problem("expiresIn", str(error)) from None
    if not 0 < given <= _SECONDS_MAX:
        raise _problem("expiresIn", f"must be 1 to {_SECONDS_MAX:,} seconds, which is 3650d")
    return now + timedelta(seconds=given)


def _limits(given: str | int | None) -> str | None:
    if given is None:
        return None
    text = str(given)
    try:
        if len(text) > _DIGITS_MAX:
            raise ConfigurationError("too long")
        parse_limits(text)
    except ConfigurationError:
        problem = f"{text[:40]!r} is none: write upflow, off, or a number of requests a minute"
        raise _problem("limits", problem) from None
    return text


def _clock(given: str | None, test_mode: bool) -> datetime | None:
    if given is None:
        return None
    if not test_mode:
        raise _problem("clock", "only a hub that is started with --test-mode stops time")
    moment = parse_instant(given)
    try:
        check_moment(moment)
    except BadRequest as error:
        raise _problem("clock", str(error).removeprefix("at: ").rstrip(".")) from None
    return moment


def _problem(field: str, problem: str) -> BadRequest:
    return BadRequest(f"{field}: {problem}.", ((field, problem),))
