"""Small texts that are read: moments, intervals, places of PDFs, marks of payments."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from headrace.control.client import ControlClient
from headrace.model.clock import (
    SYSTEM_CLOCK,
    format_instant,
    is_overdue,
    normalise_instant,
    parse_instant,
    parse_interval,
)
from headrace.model.defaults import origin
from headrace.model.errors import (
    ConfigurationError,
    MethodNotAllowed,
    Refused,
    RequestError,
    Unreachable,
)
from headrace.model.extras import load_extra
from headrace.model.guards import GuardSettings
from headrace.model.lazy import lazily
from headrace.model.money import format_money
from headrace.model.pdf_place import Address, Folder, parse_address, parse_pdf_place, scheme_of
from headrace.model.private_files import _why_not, keep_to_the_user, make_folder
from headrace.model.secret_text import check_target
from headrace.model.settlement import SYNTHETIC_KINDS, kind_of
from headrace.model.shown_text import shown

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02", NOON.replace(hour=0)),
        ("2026-01-02T12:00:00", NOON),
        ("2026-01-02T12:00:00Z", NOON),
        ("2026-01-02T14:00:00+02:00", NOON),
        ("2026-01-02T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
    ],
)
def test_a_moment_is_read_as_utc(text: str, moment: datetime) -> None:
    assert parse_instant(text) == moment
    assert parse_instant(text).tzinfo is UTC
    assert normalise_instant(text) == format_instant(moment)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_a_moment_outside_of_the_calendar_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="lies outside the years 1 to 9999 in UTC"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "2026-01-02T25:00:00.000Z"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        normalise_instant(text)


def test_a_moment_is_written_in_utc_with_milliseconds() -> None:
    assert format_instant(NOON) == "2026-01-02T12:00:00.000Z"
    zoned = datetime.fromisoformat("2026-01-02T14:00:00.123456+02:00")
    assert format_instant(zoned) == "2026-01-02T12:00:00.123Z"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("2026-01-02T12:00:00.123Z", "2026-01-02T12:00:00.123Z"),
        ("2026-01-02T12:00:00.12Z", "2026-01-02T12:00:00.120Z"),
        ("2026-01-02T12:00:00+00:00", "2026-01-02T12:00:00.000Z"),
        ("2026-01-02 12:00:00.123Z", "2026-01-02T12:00:00.123Z"),
        ("2026-01-02T12:00:00,123Z", "2026-01-02T12:00:00.123Z"),
        ("2026-01-02T12:00:00.1234", "2026-01-02T12:00:00.123Z"),
        ("2026-01-02T12:00+01:00:00", "2026-01-02T11:00:00.000Z"),
    ],
)
def test_a_date_has_one_form(text: str, normal: str) -> None:
    assert normalise_instant(text) == normal


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("30s", 30),
        ("5m", 300),
        ("2h", 7_200),
        ("1d", 86_400),
        ("3650d", 3650 * 86_400),
        (f"{3650 * 86_400}s", 3650 * 86_400),
        ("000000000000000007s", 7),
    ],
)
def test_an_interval_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_interval(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "s", "5", "0s", "00m", "-1s", "1.5h", "5 m", "5w", "²s"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an interval"):
        parse_interval(text)


@pytest.mark.parametrize("text", ["3651d", f"{3650 * 86_400 + 1}s", "0000000000000000007s"])
def test_an_interval_of_more_than_ten_years_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is too long: an interval is at most 3650d"):
        parse_interval(text)


def test_what_is_due_today_is_not_overdue() -> None:
    today = date(2026, 1, 2)
    assert is_overdue("2026-01-01T23:59:59.999Z", today)
    assert not is_overdue("2026-01-02T00:00:00.000Z", today)
    assert not is_overdue("2026-01-03T00:00:00.000Z", today)


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="another system")
def test_the_monotonic_clock_counts_the_time_in_which_the_machine_sleeps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def gettime(number: int) -> float:
        asked.append(number)
        return 7.0

    monkeypatch.setattr(time, "clock_gettime", gettime)
    assert SYSTEM_CLOCK.monotonic() == 7.0
    assert asked == [time.CLOCK_BOOTTIME]


def test_the_machines_clock_tells_its_time() -> None:
    assert abs((SYSTEM_CLOCK.now() - datetime.now(UTC)).total_seconds()) < 5
    began = SYSTEM_CLOCK.monotonic()
    asyncio.run(asyncio.wait_for(SYSTEM_CLOCK.sleep(0.01), 5))  # type: ignore[arg-type]
    assert 0.009 <= SYSTEM_CLOCK.monotonic() - began < 5


# places of PDFs ------------------------------------------------------------------------------


def test_a_scheme_is_in_lower_case() -> None:
    assert scheme_of("HTTPS://x") == "https"
    assert scheme_of("s3://x") == "s3"
    assert scheme_of("a+b.c-1://x") == "a+b.c-1"
    for location in ("/x", "x", "1x://y", "x:/y", ""):
        assert scheme_of(location) == ""


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("https://h.test", Address("https", "h.test", 443)),
        ("HTTPS://H.test/", Address("https", "h.test", 443)),
        ("http://h.test/a/b/", Address("http", "h.test", 80, "/a/b")),
        ("https://h.test:8443/a", Address("https", "h.test", 8443, "/a")),
        ("https://h.test/a%20b", Address("https", "h.test", 443, "/a b")),
        ("s3://bucket/a", Address("s3", "bucket", None, "/a")),
        ("https://[::1]/a", Address("https", "::1", 443, "/a")),
        ("https://h.test/a?x=b::c", Address("https", "h.test", 443, "/a")),
        ("https://h.test/a..b", Address("https", "h.test", 443, "/a..b")),
        ("gs://", Address("gs")),
    ],
)
def test_an_address_is_read_in_its_parts(location: str, address: Address) -> None:
    assert parse_address(location) == address
    assert address.is_web == (address.scheme in ("http", "https"))


@pytest.mark.parametrize(
    "location",
    [
        "zip://a::https://h.test",
        "https://h.test/../b",
        "https://h.test/a/..",
        "https://h.test/a/%2e%2e/b",
        "https://h.test/a\\..\\b",
        "https://h.test/[x]::y",
        "https://h.test:port/",
    ],
)
def test_an_address_that_climbs_or_nests_is_refused(location: str) -> None:
    with pytest.raises(ValueError):
        parse_address(location)


@pytest.mark.parametrize(
    ("place", "location", "inside"),
    [
        ("https://h.test", "https://h.test/a/b", True),
        ("https://h.test/a", "https://h.test/a", True),
        ("https://h.test/a", "https://h.test/a/b", True),
        ("https://h.test/a", "https://h.test/ab", False),
        ("https://h.test/a", "https://h.test", False),
        ("https://h.test", "http://h.test", False),
        ("https://h.test", "https://i.test", False),
        ("https://h.test", "https://h.test:8443", False),
        ("s3://b", "s3://b/x", True),
        ("s3://", "s3://any/x", True),
        ("s3://", "gs://any/x", False),
    ],
)
def test_a_place_holds_what_is_below_it(place: str, location: str, inside: bool) -> None:
    assert parse_address(place).holds(parse_address(location)) is inside


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("pdfs", Folder("pdfs")),
        ("/srv/pdfs", Folder("/srv/pdfs")),
        ("file:///srv/a%20b", Folder("/srv/a b")),
        ("10.0.0.0/8", ip_network("10.0.0.0/8")),
        ("https://h.test/a", Address("https", "h.test", 443, "/a")),
        ("s3://b", Address("s3", "b")),
        ("s3://", Address("s3")),
    ],
)
def test_an_entry_is_a_folder_an_address_or_a_network(text: str, place: object) -> None:
    assert parse_pdf_place(text) == place


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" ", "must not have empty entries"),
        ("zip://a::b", r"has an entry zip://… that is no address"),
        ("https://ann:secret@h.test", "must not hold a user or password"),
        ("s3://key@bucket", "must not hold a user or password"),
        ("file://[x/y", r"has an entry file://… that is no address"),
        ("https:///a", r"must name the host: https://files\.example\.com"),
        ("HTTP://", r"must name the host: http://files\.example\.com"),
    ],
)
def test_an_entry_that_is_none_of_them_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_pdf_place(text)


@pytest.mark.parametrize(
    "url", ["https://api.test/v1", "https://api.test/v1?mail=a@b", "http://127.0.0.1:8080"]
)
def test_a_target_without_a_password_is_taken(url: str) -> None:
    check_target(url, "target.url")


def test_a_password_of_a_target_is_found_before_another_address_in_it() -> None:
    with pytest.raises(ConfigurationError, match="must not hold a user or password"):
        check_target("https://ann@api.test/http://other.test", "target.url")


@pytest.mark.parametrize(
    "url", ["http://", "http://[::", "http://a:b:c", "http://a:99999", "http://a:0", "https:///v1"]
)
def test_a_target_that_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^target\.url is no address such as https://"):
        check_target(url, "target.url")
    with pytest.raises(ConfigurationError, match="is no address of a hub"):
        ControlClient(url, "token")


# everything else -----------------------------------------------------------------------------


def test_payments_that_are_no_money_are_known_by_their_mark() -> None:
    for kind in SYNTHETIC_KINDS:
        assert kind_of(f"{kind}:I-1:2") == kind
    for reference in (None, "", "fix", "I-1", "other:I-1", ":fix"):
        assert kind_of(reference) == ""


def test_money_of_an_unknown_currency_has_two_decimals() -> None:
    assert format_money(12_345, "???") == "??? 123.45"


def test_a_lone_surrogate_is_written_out() -> None:
    assert shown("a\ud800b") == "a\\ud800b"
    assert shown("\u2028") == "\\u2028"


def test_errors_carry_what_their_readers_need() -> None:
    assert (str(Unreachable("no")), Unreachable("no").left) == ("no", True)
    assert not Unreachable("no", left=False).left
    assert (str(Refused(422, "no")), Refused(422, "no").status) == ("no", 422)
    not_allowed = MethodNotAllowed("no", "GET, PUT")
    assert (str(not_allowed), not_allowed.allowed, not_allowed.details) == ("no", "GET, PUT", ())
    assert RequestError("no", (("a", "b"),)).details == (("a", "b"),)


def test_guards_may_be_zero_and_not_less() -> None:
    assert GuardSettings(deletions=0).deletions == 0
    with pytest.raises(ValueError, match="money must be 0 or more"):
        GuardSettings(money=-0.1)


def test_a_key_is_traced_to_the_defaults_unless_it_is_the_organisations_own() -> None:
    defaults, own = {"target": {"rate": 1}, "x": 1}, {"target": {"key": "k"}}
    assert origin("rate", "target", defaults, own) == "[defaults]"
    assert origin("key", "target", defaults, own) == ""
    assert origin("", "x", defaults, own) == "[defaults]"
    assert origin("rate", "target", defaults, {"target": {"rate": 2}}) == ""
    assert origin("rate", "x", defaults, own) == ""


def test_an_extra_that_is_not_installed_is_named() -> None:
    assert load_extra("json", "x", "It").dumps([1]) == "[1]"
    with pytest.raises(ConfigurationError) as caught:
        load_extra("headrace_none", "s3", "Reading s3://")
    assert str(caught.value) == "Reading s3:// needs: pip install 'headrace[s3]'."


def test_a_module_loads_once_when_something_of_it_is_used_on_any_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lazy_example.py").write_text(
        "import sys, time\nsys.lazy_loads += 1\ntime.sleep(0.05)\nVALUE = 7\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "lazy_loads", 0, raising=False)
    module = lazily("lazy_example")
    assert "lazy_example" not in sys.modules
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: module.VALUE, range(4))) == [7] * 4
    assert sys.lazy_loads == 1  # type: ignore[attr-defined]
    assert lazily("lazy_example") is sys.modules["lazy_example"]
    del sys.modules["lazy_example"]
    with pytest.raises(ModuleNotFoundError, match="No module named 'headrace_none'") as caught:
        lazily("headrace_none")
    assert caught.value.name == "headrace_none"


def test_new_files_are_their_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keep_to_the_user()
        (tmp_path / "file").write_text("x")
        make_folder(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    make_folder(tmp_path / "a" / "b")


def test_a_folder_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="can't be used for data: File exists"):
        make_folder(tmp_path / "file")
    asked: list[tuple[Path, int]] = []
    monkeypatch.setattr(os, "access", lambda path, mode: asked.append((path, mode)))
    with pytest.raises(ConfigurationError, match="this user may not write there"):
        make_folder(tmp_path)
    assert asked == [(tmp_path, os.W_OK | os.X_OK)]


def test_a_file_system_that_is_read_only_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mounted:
        f_flag = os.ST_RDONLY | os.ST_NOSUID

    monkeypatch.setattr(os, "statvfs", lambda path: Mounted())
    assert _why_not(Path("/x")) == "its file system is read-only"
    Mounted.f_flag = os.ST_NOSUID
    assert _why_not(Path("/x")) == "this user may not write there"
