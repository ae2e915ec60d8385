"""An API as a source: tokens that expire, pages, limits and nested lists."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from odd_json import ODD, arrived, odd_record
from one_engine import empty_database

from headrace.model.errors import ConfigurationError, SourceError
from headrace.model.source_settings import Incremental, SourceSettings
from headrace.sources.programs.rest_cursors import later
from headrace.sources.programs.rest_source import RestSource
from headrace.sources.registry import open_source
from virtual_time import VirtualClock

pytest.importorskip("dlt")


class _Api(BaseHTTPRequestHandler):
    """Three pages of invoices, behind a token that is good for a few requests."""

    def do_POST(self) -> None:
        self.server.tokens += 1  # type: ignore[attr-defined]
        length = int(self.headers["Content-Length"])
        self.server.granted.append(parse_qs(self.rfile.read(length).decode()))  # type: ignore[attr-defined]
        answer = {"access_token": f"t{self.server.tokens}", "expires_in": self.server.life}  # type: ignore[attr-defined]
        self._answer(answer)

    def do_GET(self) -> None:
        server: Any = self.server
        server.asked.append(self.path)
        server.times.append(time.monotonic())
        # A token that has expired is refused: only the last one is good.
        if self.headers.get("Authorization", "") != f"Bearer t{server.tokens}":
            self._answer({"error": "no token"}, 401)
            return
        if self.path.startswith("/odd"):
            self._answer(f"[{odd_record()}]".encode())
            return
        if self.path.startswith("/changes"):
            since = parse_qs(urlsplit(self.path).query).get("since", [""])[0]
            self._answer([row for row in server.rows if row["at"] >= since])
            return
        if self.path.startswith("/bills"):
            page = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
            answer = {"data": server.rows[2 * page - 2 : 2 * page]}
            if page == 1:
                server.after_a_first_page()
            self._answer(answer)
            return
        if len(server.asked) == 2:
            self._answer({"error": "slow down"}, 429, {"Retry-After": "0"})
            return
        asked = parse_qs(urlsplit(self.path).query)
        page = int(asked.get("page", ["1"])[0])
        rows = [{"id": 10 * page + n, "lines": [{"amount": 1.10}]} for n in range(2)]
        self._answer({"data": rows if page < 4 else []})

    def _answer(self, body: Any, status: int = 200, headers: Any = None) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: Any) -> None: ...


@contextmanager
def _serving() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Api) as server:
        server.tokens, server.asked, server.granted = 0, [], []  # type: ignore[attr-defined]
        server.life, server.times, server.rows = 3600, [], []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def _options(server: Any) -> dict[str, Any]:
    base = f"http://127.0.0.1:{server.server_port}"
    return {
        "client": {
            "base_url": base,
            "auth": {
                "type": "oauth2_client_credentials",
                "access_token_url": f"{base}/token",
                "client_id": "me",
                "client_secret": "s3cret-s3cret",
            },
            "paginator": {"type": "page_number", "base_page": 1, "total_path": None},
        },
        "resources": [
            {"name": "Invoices", "endpoint": {"path": "invoices", "data_selector": "data"}}
        ],
    }


def test_a_declared_api_is_read_page_by_page_with_a_token_and_within_its_limit() -> None:
    with _serving() as server:
        settings = SourceSettings(kind="rest", options=_options(server))
        source = open_source(settings, Path())
        assert source.tables() == {"invoices"}
        connection = empty_database()
        assert source.stage(connection, ["invoices"]) == {"invoices": 6}
        assert server.tokens == 1
    found = connection.execute("select id, lines from source.invoices order by id").fetchall()
    assert [row[0] for row in found] == [10, 11, 20, 21, 30, 31]
    assert found[0][1] == '[{"amount":1.1}]'
    lines = connection.execute(
        "select unnest(lines::json[]) ->> 'amount' from source.invoices limit 1"
    ).fetchall()
    assert lines == [("1.1",)]


def test_a_token_that_expires_is_asked_for_again_and_the_rate_is_kept() -> None:
    with _serving() as server:
        server.life = 0
        options = _options(server) | {"rate": 600}
        refresh = {"grant_type": "refresh_token", "refresh_token": "r-0123456789"}
        options["client"]["auth"]["access_token_request_data"] = refresh
        assert RestSource(options).stage(empty_database(), ["invoices"]) == {"invoices": 6}
        assert server.tokens >= 4  # one for each page
        assert all(one["grant_type"] == ["refresh_token"] for one in server.granted)
        # Not each pause: on a busy machine one request arrives late, and the next in time.
        assert server.times[-1] - server.times[0] > 0.09 * (len(server.times) - 1)


def test_every_odd_value_arrives_exact_or_as_its_text() -> None:
    with _serving() as server:
        options = _options(server)
        options["client"]["paginator"] = "single_page"
        options["resources"] = [{"name": "odd", "endpoint": "odd"}]
        book = empty_database()
        RestSource(options).stage(book, ["odd"])
        found = arrived(book.sql("from source.odd"))
    assert found == [(kind, value) for _, kind, value in ODD]


def _changes(server: Any, **more: str) -> RestSource:
    options = _options(server)
    options["client"]["paginator"] = "single_page"
    options["resources"] = [{"name": "Changes", "primary_key": "id", "endpoint": "changes"}]
    settings = {"cursor": "at", "parameter": "since", "sweep": "1d", "overlap": "1h"} | more
    return RestSource(options, {"Changes": Incremental(**settings)}, server.clock)


def test_only_what_is_new_is_asked_for_until_the_sweep() -> None:
    with _serving() as server:
        server.clock = VirtualClock()
        server.rows = [{"id": n, "at": f"2026-01-0{n}T10:00:00Z"} for n in (1, 2)]
        book = empty_database()
        query = 'select id, "at" from source.changes order by id'
        assert _changes(server).stage(book, ["changes"]) == {"changes": 2}
        server.rows = [
            {"id": 2, "at": "2026-01-03T08:00:00Z"},
            {"id": 3, "at": "2026-01-03T09:00:00Z"},
        ]
        assert _changes(server).stage(book, ["changes"]) == {"changes": 3}
        assert server.asked[-1] == "/changes?since=2026-01-02T09%3A00%3A00Z"
        assert book.execute(query).fetchall() == [
            (1, "2026-01-01T10:00:00Z"),
            (2, "2026-01-03T08:00:00Z"),
            (3, "2026-01-03T09:00:00Z"),
        ]
        server.clock.seconds += 86_400
        assert _changes(server).stage(book, ["changes"]) == {"changes": 2}  # 1 was deleted
        assert server.asked[-1] == "/changes"


def _bills(server: Any, **more: Any) -> RestSource:
    options = _options(server)
    bills = {"name": "bills", "endpoint": {"path": "bills", "data_selector": "data"}}
    return RestSource(options | {"resources": [bills | more]})


def test_a_record_that_moves_to_a_page_that_was_read_is_not_gone() -> None:
    book = empty_database()
    with _serving() as server:
        readings: list[int] = []
        deletes = 0

        def first_page() -> None:
            nonlocal deletes
            readings.append(len(server.rows))
            if deletes:
                deletes -= 1
                del server.rows[0]

        def ids(**more: Any) -> list[int]:
            readings.clear()
            _bills(server, **more).stage(book, ["bills"])
            found = book.execute("select id from source.bills order by id").fetchall()
            return [id for (id,) in found]

        server.after_a_first_page = first_page
        server.rows = [{"id": n, "number": f"N{n}"} for n in range(1, 9)]
        assert ids() == [1, 2, 3, 4, 5, 6, 7, 8]
        assert len(readings) == 1, "the first time there is nothing to lack"
        for more in ({}, {"primary_key": "number"}):
            before = [row["id"] for row in server.rows]
            deletes = 1
            assert ids(**more) == before[1:]
            assert readings == [len(before), len(before) - 1, len(before) - 1]
            assert ids(**more) == before[1:]
            assert len(readings) == 1
        # One that is gone for good takes a second reading to be believed.
        del server.rows[2]
        assert ids() == [row["id"] for row in server.rows]
        assert len(readings) == 2
        deletes = 99
        server.rows += [{"id": n} for n in range(20, 40)]
        with pytest.raises(SourceError, match="the list of bills changes each time it is read"):
            ids()
        deletes = 0
        assert ids() == [row["id"] for row in server.rows]
        server.rows = []
        assert ids() == []
        assert len(readings) == 2


def test_a_cursor_needs_its_parameter_and_its_resource() -> None:
    with _serving() as server:
        server.clock = VirtualClock()
        with pytest.raises(ConfigurationError, match=r"incremental\.changes needs parameter"):
            _changes(server, parameter="")
        with pytest.raises(SourceError, match="has no table nothing"):
            cursor = Incremental(cursor="at", parameter="since")
            RestSource(_options(server), {"nothing": cursor})


@pytest.mark.parametrize(
    ("one", "other", "first"),
    [
        (5, 7, 7),
        ("2026-01-01T23:30:00-02:00", "2026-01-02T01:00:00Z", "2026-01-01T23:30:00-02:00"),
        ("2026-01-01", "2026-01-02", "2026-01-02"),
        ("abc", "abd", "abd"),
        (None, 3, 3),
        (None, None, None),
        ("9999-12-31", "2026-01-02", "2026-01-02"),
        ("2026-11-21T00:00:01Z", None, None),
        ("2026-11-21T02:00:00+02:00", None, "2026-11-21T02:00:00+02:00"),
    ],
)
def test_the_later_cursor_counts_by_what_it_means_if_it_has_been(
    one: Any, other: Any, first: Any
) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert later(one, other, now) == first
    assert later(other, one, now) == first


def test_an_api_that_refuses_is_one_clear_sentence_without_secrets() -> None:
    with _serving() as server:
        options = _options(server)
        options["client"]["auth"] = {"type": "bearer", "token": "s3cret-s3cret"}
        with pytest.raises(SourceError, match="401") as caught:
            RestSource(options).stage(empty_database(), ["invoices"])
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="needs client"):
        RestSource({})
    for resource in (5, {}, {"name": 5}, ""):
        with pytest.raises(ConfigurationError, match="resource 2 has no name"):
            RestSource(options | {"resources": ["invoices", resource]})
