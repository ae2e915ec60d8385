"""What the hub keeps and shows of requests: no secret, nothing that runs, nothing without end."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.model.shell_text import quoted
from headrace.server.observing.request_journal import JOURNAL
from headrace.server.observing.request_search import Entry, Query, search
from headrace.testkit.hub import HubProcess, hub_process, make_keys

BASH = shutil.which("bash") or "bash"
HOSTILE = "/v1/customers/$(touch${IFS}pwned)`touch${IFS}pwned`';touch${IFS}pwned;'\"$(id)\"&x=1"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    log = tmp_path_factory.mktemp("log") / "requests.jsonl"
    with hub_process(tmp_path_factory.mktemp("traces"), request_log=log) as process:
        yield process


def _send(process: HubProcess, path: str, body: bytes = b"", **headers: str) -> str:
    """The id of the request."""
    parts = urlsplit(process.origin)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.putrequest("PUT" if body else "GET", path, skip_accept_encoding=True)
        for name, value in {**named, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.read()
        return str(answer.headers["X-Request-Id"])
    finally:
        connection.close()


def _kept(process: HubProcess, id: str) -> Entry:
    for _ in range(100):
        found = search(process.data / JOURNAL, Query(id=id))
        if found:
            return found[0]
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError(f"{id} is not in the journal")


def test_the_curl_line_runs_nothing_but_curl(process: HubProcess, tmp_path: Path) -> None:
    body = b'{"a": "it\'s $(touch pwned) `touch pwned` \\\\ \x1b[2J"}'
    pair = make_keys(process.data, "hostile")
    id = _send(process, HOSTILE, body, X_Api_Key=pair.key, X_Api_Secret=pair.secret)
    _kept(process, id)
    command = [sys.executable, "-m", "headrace", "logs", "--data", str(process.data), id]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    line = said[said.index("curl -X") :].replace("\n", "")
    assert not re.search("[\x00-\x1f\x7f-\x9f]", line)
    (tmp_path / "bin").mkdir()
    curl = tmp_path / "bin" / "curl"
    curl.write_text('#!/bin/bash\nprintf "%s\\0" "$@" > arguments\n')
    curl.chmod(0o755)
    environment = {"PATH": f"{curl.parent}:/usr/bin:/bin", "HUB": "http://hub", "KEY": "k"}
    subprocess.run([BASH, "-c", line], cwd=tmp_path, env=environment, check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arguments", "bin"]
    arguments = (tmp_path / "arguments").read_bytes().split(b"\0")
    assert arguments[2].decode() == "http://hub" + HOSTILE
    assert arguments[-2] == body


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_a_shell_reads_quoted_text_as_it_was(texts: list[str]) -> None:
    line = "printf '%s\\0' " + " ".join(["first", *map(quoted, texts)])
    environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([BASH, "-c", line], env=environment, capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[1:-1] == texts
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", line)


@pytest.mark.parametrize("place", ["key header", "query", "path"])
def test_a_secret_in_the_wrong_place_is_not_kept(process: HubProcess, place: str) -> None:
    secret = make_keys(process.data, f"secret {place}").secret
    path, headers = "/v1/customers", {}
    if place == "key header":
        headers = {"X_Api_Key": secret}
    elif place == "query":
        path = f"/v1/customers?apiSecret={secret}&limit=1&X-Api-Key={secret}"
    else:
        path = f"/portal/{secret}"
        path = f"/v1{path}"
    entry = _kept(process, _send(process, path, **headers))
    assert secret not in repr(entry)
    if place == "query":
        assert "limit=1" in entry.path


def test_unknown_fields_are_named_up_to_a_bound(process: HubProcess) -> None:
    pair = make_keys(process.data, "many")
    keys = {"X_Api_Key": pair.key, "X_Api_Secret": pair.secret}
    fields = {f"{'x' * 200}{number}": 1 for number in range(30_000)}
    body = json.dumps({"name": "C", **fields}).encode()
    entry = _kept(process, _send(process, "/v1/customers/external:C", body, **keys))
    assert len(entry.ignored) == 20
    assert max(map(len, entry.ignored)) == 60
    long = _kept(process, _send(process, "/v1/customers?x=" + "y" * 30_000, **keys))
    assert len(long.path) == 2_048
