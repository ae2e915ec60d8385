"""`headrace console`: who may sign in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from headrace.console.passwords import is_password
from headrace.model.clock import SYSTEM_CLOCK
from headrace.store.admin.console_users import find_account
from headrace.store.engine.place import Place, snapshot
from headrace.testkit.hub import make_keys


def run(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    code = "from headrace.cli.main import main; main()"
    command = [sys.executable, "-c", code, "console", *words]
    return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=60)


def test_people_are_added_listed_and_removed(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "hub"))
    short = run("add", "Anna@Example.com", *data, typed="short\n")
    assert short.returncode == 6
    assert "at least 12 characters" in short.stderr
    added = run("add", "Anna@Example.com", *data, typed="correct horse battery\n")
    assert added.returncode == 0, added.stderr
    with snapshot(Place(folder=tmp_path / "hub")) as db:
        account, _ = find_account(db, "anna@example.com", SYSTEM_CLOCK.now())
    assert account is not None
    assert account.password.startswith("$argon2id$")
    assert is_password("correct horse battery", account.password)
    (listed,) = json.loads(run("list", *data, "--json").stdout)
    assert (listed["email"], listed["last_seen_at"]) == ("anna@example.com", None)
    assert listed["organisations"] is None
    nobody = run("limit", "anna@example.com", "--organisation", "acme", *data)
    assert nobody.returncode == 6
    assert "There is no organisation acme here." in nobody.stderr
    assert run("limit", "anna@example.com", *data).returncode == 6
    make_keys(tmp_path / "hub", "acme")
    limited = run("limit", "anna@example.com", "--organisation", "acme", *data)
    assert limited.stdout == "anna@example.com sees acme.\n"
    assert "organisations: acme" in run("list", *data).stdout
    assert run("limit", "x@example.com", "--all", *data).returncode == 6
    assert run("limit", "anna@example.com", "--all", *data).returncode == 0
    some = ("--organisation", "acme")
    again = run("add", "anna@example.com", *some, *data, typed="correct horse battery\n")
    assert again.returncode == 0
    (listed,) = json.loads(run("list", *data, "--json").stdout)
    assert listed["organisations"] == ["acme"]
    assert run("remove", "anna@example.com", *data).returncode == 0
    assert "Nobody can sign in yet" in run("list", *data).stdout
    assert run("remove", "anna@example.com", *data).returncode == 6
    assert run("add", "no e-mail", *data, typed="correct horse battery\n").returncode == 6
