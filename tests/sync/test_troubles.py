"""What a user reads when the API is not as it should be: what happened, what is safe, what next."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from odd_server import Slow, odd_server
from shop import Shop

from headrace.cli.main import run
from headrace.testkit.hub import RunningHub

HTML = b"<!doctype html><html><body>Sign in</body></html>"


def error(message: str) -> bytes:
    return json.dumps({"statusCode": 400, "message": message}).encode()


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a book, of which no API was told anything."""
    with closing(Shop(tmp_path_factory.mktemp("troubles") / "shop", timeout="1s")) as shop:
        shop.customers_with_invoices(7)
    assert Desk(shop.folder, "http://127.0.0.1:9/v1", "k", "s").plan().requests == 14
    return shop.folder


@pytest.fixture
def headrace(
    planned: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command against an address: (exit code, standard output, standard error)."""
    folder = shutil.copytree(planned, tmp_path / "shop")

    def command(url: str, *words: str, key: str = "k", secret: str = "s") -> tuple[int, str, str]:
        monkeypatch.setenv("HEADRACE_URL", url)
        monkeypatch.setenv("HEADRACE_KEY", key)
        monkeypatch.setenv("HEADRACE_SECRET", secret)
        capsys.readouterr()
        code = run([*words, "--project", str(folder)])
        out, err = capsys.readouterr()
        return code, out, err

    return command


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


SAFE = "0 records are delivered and recorded, 14 stay planned"
RETRY = "run the same command again"
TROUBLES: dict[
    str, tuple[Callable[[str, str], tuple[int, str, bytes | None]], int, tuple[str, ...]]
] = {
    "401": (
        lambda method, path: (401, "application/json", error("Invalid API key.")),
        6,
        (
            "does not accept the key pair",
            "status 401: Invalid API key)",
            "check `key` and `secret`",
        ),
    ),
    "500 for ever": (
        lambda method, path: (500, "application/json", error("Internal error")),
        5,
        ("is not usable (status 500: Internal error)", "nothing is lost", RETRY),
    ),
    "a page of a gateway": (
        lambda method, path: (502, "text/html", HTML),
        5,
        ("is not usable (status 502: text/html instead of JSON)", "nothing is lost", RETRY),
    ),
    "a log-in page": (
        lambda method, path: (200, "text/html; charset=utf-8", HTML),
        5,
        ("status 200, text/html, '<!doctype html>", "check `url`", RETRY),
    ),
    "a wall": (
        lambda method, path: (403, "text/html", HTML),
        5,
        ("status 403, text/html, '<!doctype html>", "check `url`", "any proxy"),
    ),
    "another site": (
        lambda method, path: (404, "text/html", HTML),
        5,
        ("status 404, text/html, '<!doctype html>", "check `url`"),
    ),
    "another path of the API": (
        lambda method, path: (404, "application/json", error("Not Found")),
        5,
        ("answered 404 (Not Found)", "check `url`"),
    ),
    "a redirect": (
        lambda method, path: (301, "text/html", b""),
        5,
        ("status 301", "check `url`"),
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_one_sentence_says_it(headrace: Callable[..., Any], trouble: str) -> None:
    respond, expected, words = TROUBLES[trouble]
    with odd_server(respond) as origin:
        code, _, err = headrace(f"{origin}/v1", "apply", "--patience", "1s")
        as_json = headrace(f"{origin}/v1", "apply", "--patience", "1s", "--json")
    assert code == expected
    (line,) = err.splitlines()
    assert line.startswith(f"error: {origin}/v1 ")
    for part in (SAFE, *words):
        assert part in line
    code, out, err = as_json
    assert (code, err) == (expected, "")
    (document,) = out.splitlines()
    told = json.loads(document)["error"]
    assert (told["code"], f"error: {told['message']}") == (expected, line)


def test_nobody_listens(headrace: Callable[..., Any]) -> None:
    code, _, err = headrace(f"http://127.0.0.1:{free_port()}/v1", "apply", "--patience", "3s")
    assert code == 5
    (line,) = err.splitlines()
    assert "is not usable (no connection: Connection refused)" in line
    assert SAFE in line and RETRY in line


def test_an_address_that_no_name_server_knows(headrace: Callable[..., Any]) -> None:
    code, _, err = headrace("http://headrace.invalid/v1", "apply", "--patience", "1s")
    assert code == 5
    assert "is not usable (no connection" in err and SAFE in err


def test_no_answer_in_time(headrace: Callable[..., Any]) -> None:
    def respond(method: str, path: str) -> tuple[int, str, bytes | None]:
        raise Slow(2)

    with odd_server(respond) as origin:
        code, _, err = headrace(f"{origin}/v1", "apply", "--patience", "1s")
    assert code == 5
    assert "is not usable (no answer in time)" in err and SAFE in err and RETRY in err


def test_429_is_waited_out(headrace: Callable[..., Any]) -> None:
    asked: list[str] = []

    def respond(method: str, path: str) -> tuple[int, str, bytes | None]:
        asked.append(path)
        if len(asked) <= 2:
            return 429, "application/json", error("Too many requests")
        return 200, "application/json", None

    with odd_server(respond, {"retry-after": "1"}) as origin:
        code, out, err = headrace(f"{origin}/v1", "apply")
    assert (code, err) == (0, "")
    assert "Sent 14 of 14 requests" in out and ", throttled " in out
    assert len(asked) == 16


@pytest.mark.parametrize("command", ["reconcile", "check"])
@pytest.mark.parametrize("trouble", ["401", "a log-in page", "another site"])
def test_reading_commands_say_it_too(
    headrace: Callable[..., Any], command: str, trouble: str
) -> None:
    respond, expected, words = TROUBLES[trouble]
    with odd_server(respond) as origin:
        code, out, err = headrace(f"{origin}/v1", command)
    assert code == expected
    assert words[0] in (err if command == "reconcile" else out)


def test_a_refused_record_is_told_with_the_sentence_of_the_api(
    headrace: Callable[..., Any],
) -> None:
    refused: list[str] = []

    def respond(method: str, path: str) -> tuple[int, str, bytes | None]:
        if path == "/v1/customers" and not refused:
            refused.append(path)
            return 400, "application/json", error("name: is too rude.")
        if method == "GET":
            return 200, "application/json", b'{"id": "1"}'
        return 200, "application/json", None

    with odd_server(respond) as origin:
        code, out, err = headrace(f"{origin}/v1", "apply")
        assert (code, err) == (4, "")
        assert "1 rejected" in out and "1 held" in out and "`headrace rejects list` says why" in out
        code, out, _ = headrace(f"{origin}/v1", "status")
        assert code == 0
        assert "1 rejected" in out and "400 name: is too rude." in out
        code, out, _ = headrace(f"{origin}/v1", "apply")
        assert code == 4 and "Nothing was sent" in out and "refused before: name: is too" in out
        code, out, _ = headrace(f"{origin}/v1", "apply", "--retry-rejected")
        assert code == 0 and "Sent 2 of 2 requests" in out


def test_a_wrong_key_at_a_real_hub(headrace: Callable[..., Any], open_hub: RunningHub) -> None:
    code, _, err = headrace(open_hub.url, "apply", key="no", secret="such")
    assert code == 6
    assert "does not accept the key pair" in err and SAFE in err


def test_check_and_apply_agree_on_a_wrong_key(
    headrace: Callable[..., Any], open_hub: RunningHub
) -> None:
    code, out, _ = headrace(open_hub.url, "check", key="no", secret="such")
    assert code == 6
    assert "does not accept the key pair" in out and "models: " in out
    assert headrace(open_hub.url, "check", "--json", key="no", secret="such")[0] == 6


def test_the_hub_without_v1(headrace: Callable[..., Any], open_hub: RunningHub) -> None:
    pair = open_hub.add_organisation("no-version")
    origin = open_hub.url.removesuffix("/v1")
    code, _, err = headrace(origin, "apply", key=pair.key, secret=pair.secret)
    assert code == 5
    assert "check `url`" in err and SAFE in err
