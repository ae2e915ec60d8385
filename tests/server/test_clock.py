"""An organisation's test clock, and what depends on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
from hub_api import Api, customer, invoice
from test_control import refused

from headrace.model.errors import Unauthorised
from headrace.testkit.hub import RunningHub, hub_process


def test_a_stopped_clock_stands_still_and_can_be_advanced(
    running: RunningHub, new_api: Callable[..., Api]
) -> None:
    api, other = new_api(time_zone="Europe/Paris"), new_api()
    clock = running.clock_of(api.organisation)
    assert clock.freeze("2031-03-01T22:30:00Z") == "2031-03-01T22:30:00.000Z"
    api.post("/customers", customer("C"))
    made = api.post("/customers/external:C/notes", {"content": "x"})
    assert made["createdAt"] == "2031-03-01T22:30:00.000Z"
    assert api.post("/invoices", invoice("I", "C", dueDate="2031-03-01"))["state"] == "DUE"
    assert clock.advance("30m") == "2031-03-01T23:00:00.000Z"
    assert api.get("/invoices/external:I")["state"] == "OVERDUE", "tomorrow has come to Paris"
    other.post("/customers", customer("C"))
    theirs = other.post("/customers/external:C/notes", {"content": "x"})
    assert theirs["createdAt"] < "2031", "another organisation goes on by real time"
    clock.reset()
    assert clock.now() < "2031"
    assert api.get("/invoices/external:I")["state"] == "DUE"


def test_links_expire_by_the_test_clock(running: RunningHub, api: Api) -> None:
    clock = running.clock_of(api.organisation)
    clock.freeze("2031-01-01T00:00:00Z")
    api.post("/customers", customer("C"))
    api.post("/invoices", invoice("I", "C"))
    assert api.call("POST", "/invoices/external:I/pdf", {"data": "JVBERi0xLjc="}).status == 204
    pdf = api.get("/invoices/external:I")["pdfUrl"]
    portal = api.post("/customers/external:C/portal", {"expiresIn": 86_400})["url"]
    for url in (pdf, portal):
        with urlopen(url) as answer:
            assert answer.status == 200
    clock.advance("3h")
    assert _status(api, pdf) == 403
    assert _status(api, portal) == 200
    clock.advance("22h")
    assert _status(api, portal) == 410
    clock.reset()
    assert _status(api, portal) == 200


def _status(api: Api, url: str) -> int:
    base, api.base = api.base, ""
    answer = api.call("GET", url[url.index("/", 8) :])
    api.base = base
    return answer.status


def test_the_log_has_both_times(running: RunningHub, api: Api) -> None:
    running.clock_of(api.organisation).freeze("2031-01-01")
    api.get("/customers")
    running.clock_of(api.organisation).reset()
    api.get("/customers")
    stopped, real = (e for e in running.requests() if e.organisation == api.organisation)
    assert (stopped.clock, real.clock) == ("2031-01-01T00:00:00.000Z", None)
    assert stopped.time is not None
    assert "2025" < stopped.time < "2031"


def test_invalid_times_are_refused(running: RunningHub, api: Api) -> None:
    clock = running.clock_of(api.organisation)
    for at in ("1969-12-31", "9000-01-01"):
        with refused(400, "a test clock goes from 1970 to 8999"):
            clock.freeze(at)
    with refused(400, "at: 'tomorrow' is not an ISO 8601 date"):
        clock.freeze("tomorrow")
    for by in ("", "3", "0d", "-1d"):
        with refused(400, "is not an interval"):
            clock.advance(by)
    for by in ("9999999d", "999999999999999d"):
        with refused(400, "by: "):
            clock.advance(by)
    clock.freeze("8998-01-01")
    with refused(400, "from 1970 to 8999"):
        clock.advance("3650d")
    start = clock.freeze()
    assert clock.advance("1s") > start


def test_the_test_clock_needs_test_mode_and_survives_a_restart(tmp_path: Path) -> None:
    with hub_process(tmp_path, options=["--test-mode"]) as process:
        process.control.call("POST", "/organisations", {"name": "acme"})
        process.clock_of("acme").freeze("2031-01-01")
        process.kill()
        process.start()
        assert process.clock_of("acme").now() == "2031-01-01T00:00:00.000Z"
    with hub_process(tmp_path) as process:
        assert process.clock_of("acme").now() < "2031", "in earnest, time is real"
        with pytest.raises(Unauthorised, match="--test-mode"):
            process.clock_of("acme").advance("1d")
        process.clock_of("acme").reset()
