"""API keys from creation to revocation, and what a request's keys are worth."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headrace.model.errors import ConfigurationError, InvalidKey, ServiceUnavailable
from headrace.server.admission.keys import Keys
from headrace.store.admin.keys import (
    KeyEntry,
    active_keys,
    find_key,
    hash_secret,
    keys_of,
    keys_version,
    list_keys,
    make_key,
    make_passing_key,
    record_uses,
    revoke_key,
    rotate_key,
)
from headrace.store.engine.sqlite import connect, transact
from headrace.store.migrations import migrate
from headrace.store.records.organisations import find_organisation, make_organisation

MADE = "2026-01-01T00:00:00.000Z"
LATER = "2026-02-01T00:00:00.000Z"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    connection = connect(tmp_path_factory.mktemp("keys") / "hub.db")
    transact(connection, migrate)
    for name in ("acme", "other"):
        make_organisation(connection, name, "EUR", "Europe/Paris", MADE)
    yield connection
    connection.close()


@pytest.fixture
def db(migrated: sqlite3.Connection) -> Iterator[Any]:
    migrated.execute("BEGIN")
    yield migrated
    migrated.execute("ROLLBACK")


def test_a_new_key_is_listed_and_its_secret_is_kept_as_a_hash_alone(db: Any) -> None:
    pair = make_key(db, "acme", MADE, "billing")
    assert (pair.organisation, pair.name) == ("acme", "billing")
    assert len(pair.key) == len("hub_") + 24 and pair.key.startswith("hub_")
    assert len(pair.secret) == 43
    assert find_key(db, pair.key) == KeyEntry("acme", pair.key, "billing", MADE, None, None, None)
    active = active_keys(db)[pair.key]
    assert active.secret_hash == hash_secret(pair.secret)
    assert (active.expires_at, active.organisation.name) == (None, "acme")
    assert pair.secret not in "\n".join(db.iterdump())


def test_a_secret_is_hashed_with_blake2b_to_32_bytes() -> None:
    expected = hashlib.blake2b("é".encode(), digest_size=32).hexdigest()
    assert hash_secret("é") == expected
    assert len(expected) == 64


def test_a_key_belongs_to_an_organisation_that_exists(db: Any) -> None:
    with pytest.raises(ConfigurationError, match="There is no organisation nobody here"):
        make_key(db, "nobody", MADE)
    assert make_key(db, "acme", MADE).name == ""


def test_keys_differ_and_are_listed_by_organisation_and_age(db: Any) -> None:
    keys = [
        make_key(db, "other", MADE).key,
        make_key(db, "acme", LATER).key,
        make_key(db, "acme", MADE).key,
    ]
    assert len(set(keys)) == 3
    assert [entry.key for entry in list_keys(db)] == [keys[2], keys[1], keys[0]]


def test_a_rotated_key_goes_on_for_the_overlap(db: Any) -> None:
    old = make_key(db, "acme", MADE, "billing")
    before = keys_version(db)
    new = rotate_key(db, old.key, timedelta(hours=2), LATER)
    assert (new.organisation, new.name) == ("acme", "billing")
    assert new.key != old.key and new.secret != old.secret
    ends = "2026-02-01T02:00:00.000Z"
    assert active_keys(db)[old.key].expires_at == ends
    assert active_keys(db)[new.key].expires_at is None
    entry = find_key(db, new.key)
    assert entry is not None and entry.created_at == LATER
    assert keys_version(db) > before


def test_only_a_key_in_force_is_rotated_and_only_once(db: Any) -> None:
    old = make_key(db, "acme", MADE)
    rotate_key(db, old.key, timedelta(hours=2), LATER)
    gone = make_key(db, "acme", MADE)
    revoke_key(db, gone.key, LATER)
    for key in (old.key, gone.key, "hub_none"):
        with pytest.raises(ConfigurationError, match=f"There is no key {key} in force"):
            rotate_key(db, key, timedelta(hours=2), LATER)


def test_a_revoked_key_is_no_longer_active_and_is_revoked_once(db: Any) -> None:
    pair, kept = make_key(db, "acme", MADE), make_key(db, "acme", MADE)
    before = keys_version(db)
    revoke_key(db, pair.key, LATER)
    assert keys_version(db) > before
    assert set(active_keys(db)) == {kept.key}
    entry = find_key(db, pair.key)
    assert entry is not None and entry.revoked_at == LATER
    with pytest.raises(ConfigurationError, match=f"There is no active key {pair.key}"):
        revoke_key(db, pair.key, LATER)


def test_the_version_is_zero_before_the_first_key_and_changes_with_each(db: Any) -> None:
    assert keys_version(db) == 0
    make_key(db, "acme", MADE)
    first = keys_version(db)
    make_key(db, "acme", MADE)
    assert 0 < first < keys_version(db)


def test_a_key_that_is_not_there_is_not_found(db: Any) -> None:
    assert find_key(db, "hub_none") is None


def test_the_last_use_is_the_latest(db: Any) -> None:
    one, two = make_key(db, "acme", MADE).key, make_key(db, "acme", MADE).key
    record_uses(db, {one: LATER, two: MADE})
    record_uses(db, {one: MADE, two: LATER})
    assert {entry.key: entry.last_used_at for entry in list_keys(db)} == {one: LATER, two: LATER}


def entry(expires: str | None = None, revoked: str | None = None) -> KeyEntry:
    return KeyEntry("acme", "k", "", MADE, None, expires, revoked)


def test_the_state_of_a_key_is_read_off_its_moments() -> None:
    assert entry().state(MADE) == "in force"
    assert entry(expires=LATER).state(MADE) == f"ends {LATER}"
    assert entry(expires=LATER).state(LATER) == f"ended {LATER}"
    assert entry(expires=LATER).state("2026-03-01T00:00:00.000Z") == f"ended {LATER}"
    assert entry(expires=LATER, revoked=MADE).state(LATER) == f"revoked {MADE}"


class SettableClock:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


class WrittenUses:
    """The store, as far as keys use it: takes writes, or fails them."""

    def __init__(self) -> None:
        self.writes: list[tuple[int, dict[str, str]]] = []
        self.error: Exception | None = None

    async def write(self, organisation: int, run: Callable[..., None], uses: Any) -> None:
        assert run is record_uses
        if self.error is not None:
            raise self.error
        self.writes.append((organisation, dict(uses)))


class Hub:
    """Two keys of two organisations, held in memory."""

    def __init__(self, db: Any) -> None:
        self.pair = make_key(db, "acme", MADE)
        self.other = make_key(db, "other", MADE)
        self.store, self.clock = WrittenUses(), SettableClock()
        self.keys = Keys(self.store, self.clock)  # type: ignore[arg-type]
        assert self.keys.version == -1
        self.keys.replace(7, active_keys(db))
        assert self.keys.version == 7

    def find(self, key: str | None, secret: str | None, at: float = 0.0) -> str | None:
        found = self.keys.find(key, secret, at)
        return found.name if found else None


@pytest.fixture
def hub(db: Any) -> Hub:
    return Hub(db)


def test_a_pair_of_key_and_secret_opens_its_organisation(hub: Hub) -> None:
    async def run() -> None:
        assert hub.find(hub.pair.key, hub.pair.secret) == "acme"
        assert hub.find(hub.other.key, hub.other.secret) == "other"
        assert hub.find(hub.pair.key, hub.other.secret) is None
        assert hub.find("hub_none", hub.pair.secret) is None
        assert hub.keys.check(hub.pair.key, hub.pair.secret, 0.0).name == "acme"
        with pytest.raises(InvalidKey, match="not those of a key that is in force"):
            hub.keys.check(hub.pair.key, "wrong", 0.0)

    asyncio.run(run())


def test_an_unknown_key_is_refused_with_any_secret(hub: Hub) -> None:
    hub.keys.replace(8, {})
    assert hub.find(hub.pair.key, hub.pair.secret) is None
    assert hub.find("hub_none", " ") is None


@pytest.mark.parametrize(("key", "secret"), [(None, "s"), ("k", None), ("", "s"), ("k", "")])
def test_both_headers_are_needed(hub: Hub, key: str | None, secret: str | None) -> None:
    with pytest.raises(InvalidKey, match="headers X-Api-Key and X-Api-Secret are needed"):
        hub.find(key, secret)
    with pytest.raises(InvalidKey, match="headers X-Api-Key and X-Api-Secret are needed"):
        hub.keys.check(key, secret, 0.0)


def test_a_rotated_key_opens_nothing_from_the_moment_of_its_end(db: Any, hub: Hub) -> None:
    rotate_key(db, hub.pair.key, timedelta(hours=2), MADE)
    hub.keys.replace(8, active_keys(db))

    async def run() -> None:
        hub.clock.moment += timedelta(hours=2, milliseconds=-1)
        assert hub.find(hub.pair.key, hub.pair.secret) == "acme"
        hub.clock.moment += timedelta(milliseconds=1)
        assert hub.find(hub.pair.key, hub.pair.secret) is None
        assert hub.find(hub.other.key, hub.other.secret) == "other"

    asyncio.run(run())


def test_before_any_key_is_read_every_pair_is_unknown() -> None:
    keys = Keys(WrittenUses(), SettableClock())  # type: ignore[arg-type]
    assert keys.find("hub_none", "secret", 0.0) is None


def test_uses_are_stored_when_the_hub_closes(hub: Hub) -> None:
    async def run() -> None:
        hub.find(hub.pair.key, hub.pair.secret, 5.0)
        hub.clock.moment += timedelta(seconds=3)
        hub.find(hub.other.key, hub.other.secret, 8.0)
        hub.find(hub.other.key, "wrong", 800.0)
        await hub.keys.close()
        await hub.keys.close()

    asyncio.run(run())
    second = "2026-01-01T00:00:03.000Z"
    assert hub.store.writes == [(0, {hub.pair.key: MADE, hub.other.key: second})]


def test_a_key_in_constant_use_is_noted_once_a_minute(hub: Hub) -> None:
    async def run() -> list[int]:
        written = []
        for at in (0.0, 59.9, 60.0, 119.9, 120.0):
            hub.find(hub.pair.key, hub.pair.secret, at)
            await hub.keys.close()
            written.append(len(hub.store.writes))
        return written

    assert asyncio.run(run()) == [1, 1, 2, 2, 3]


def test_uses_are_stored_a_second_after_the_first(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    later: list[tuple[float, Callable[[], None]]] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "call_later", lambda *call: later.append(call))
        hub.find(hub.pair.key, hub.pair.secret, 0.0)
        hub.find(hub.other.key, hub.other.secret, 0.5)
        ((seconds, save),) = later
        assert seconds == 1.0
        save()
        await asyncio.sleep(0)
        assert [set(uses) for _, uses in hub.store.writes] == [{hub.pair.key, hub.other.key}]
        assert hub.store.writes[0][0] == 0
        save()
        await asyncio.sleep(0)
        assert len(hub.store.writes) == 1
        hub.find(hub.pair.key, hub.pair.secret, 100.0)
        assert len(later) == 2

    asyncio.run(run())


def test_a_use_that_cannot_be_stored_is_logged(
    hub: Hub, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.store.error = ServiceUnavailable("the disk is full")

    async def run() -> None:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "call_later", lambda _, save: save())
        hub.find(hub.pair.key, hub.pair.secret, 0.0)
        hub.keys._save()
        for _ in range(3):
            await asyncio.sleep(0)
        hub.find(hub.other.key, hub.other.secret, 0.0)
        await hub.keys.close()

    asyncio.run(run())
    assert "the last use of keys can't be stored: the disk is full" in caplog.text


def test_a_write_that_is_cancelled_is_not_logged(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        hub.store.write = lambda *_: asyncio.sleep(60)  # type: ignore[assignment,method-assign]
        hub.find(hub.pair.key, hub.pair.secret, 0.0)
        hub.keys._save()
        writing = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert len(writing) == 1
        writing[0].cancel()
        await asyncio.wait(writing)
        await asyncio.sleep(0)

    asyncio.run(run())
    assert caplog.text == ""


def test_a_passing_key_ends_by_itself_and_takes_ended_ones_of_its_name_along(db: Any) -> None:
    hour = timedelta(hours=1)
    first = make_passing_key(db, "acme", MADE, hour, "console")
    assert (first.organisation, first.name) == ("acme", "console")
    entry = find_key(db, first.key)
    assert entry is not None
    assert (entry.created_at, entry.expires_at) == (MADE, "2026-01-01T01:00:00.000Z")
    others = [
        make_passing_key(db, "acme", MADE, hour, "another name"),
        make_passing_key(db, "other", MADE, hour, "console"),
        make_key(db, "acme", MADE, "console"),
    ]
    running = make_passing_key(db, "acme", "2026-01-01T00:30:00.000Z", hour, "console")
    assert find_key(db, first.key) is not None, "it has not ended yet"
    last = make_passing_key(db, "acme", "2026-01-01T01:00:00.001Z", hour, "console")
    assert find_key(db, first.key) is None
    for pair in (*others, running, last):
        assert find_key(db, pair.key) is not None
    with pytest.raises(ConfigurationError, match="There is no organisation nobody here"):
        make_passing_key(db, "nobody", MADE, hour, "console")


def test_the_keys_of_an_organisation_are_its_own_alone(db: Any) -> None:
    mine = [make_key(db, "acme", MADE, "a").key, make_key(db, "acme", LATER, "b").key]
    make_key(db, "other", MADE)
    revoke_key(db, mine[0], LATER)
    acme = find_organisation(db, "acme")
    assert acme is not None
    assert {entry.key: entry.revoked_at for entry in keys_of(db, acme)} == {
        mine[0]: LATER,
        mine[1]: None,
    }
