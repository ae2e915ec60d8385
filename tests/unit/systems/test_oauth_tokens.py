"""Tokens that rotate are kept before they are used, and by one process at a time."""

from __future__ import annotations

import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headrace.systems.oauth import ClientCredentials, RotatingToken
from headrace.systems.token_file import TokenFile, Tokens, token_file


class Endpoint:
    """A token endpoint whose refresh tokens work once."""

    def __init__(self, lasts_s: int = 1800) -> None:
        self.newest = "first"
        self.lasts_s = lasts_s
        self.grants: list[Mapping[str, str]] = []

    def grant(self, fields: Mapping[str, str]) -> Any:
        if fields.get("refresh_token", self.newest) != self.newest:
            raise RuntimeError("invalid_grant")
        self.grants.append(dict(fields))
        self.newest = f"refresh-{len(self.grants)}"
        access = f"access-{len(self.grants)}"
        return {
            "access_token": access,
            "refresh_token": self.newest,
            "expires_in": self.lasts_s,
        }


def rotating(endpoint: Endpoint, path: Path, first: str = "first") -> RotatingToken:
    return RotatingToken(endpoint.grant, {"refresh_token": first, "auth_file": str(path)})


def bearer(access: Any) -> str:
    found: str = access.headers("GET", "https://api.test/")["Authorization"]
    return found


def test_a_token_outlives_the_process_that_got_it(tmp_path: Path) -> None:
    endpoint, path = Endpoint(), token_file(tmp_path / "data", "acme", "xero_api")
    assert bearer(rotating(endpoint, path)) == "Bearer access-1"
    assert [stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()] == [0o600] * 2
    # The next process has the same options, and neither asks again nor uses the first token.
    later = rotating(endpoint, path)
    assert bearer(later) == "Bearer access-1"
    assert later.renew() and bearer(later) == "Bearer access-2"
    assert [one["refresh_token"] for one in endpoint.grants] == ["first", "refresh-1"]


def test_an_access_token_that_ends_is_renewed_by_the_newest_refresh_token(tmp_path: Path) -> None:
    endpoint = Endpoint(lasts_s=60)  # is renewed a minute before its end
    token = rotating(endpoint, tmp_path / "tokens")
    assert [bearer(token), bearer(token)] == ["Bearer access-1", "Bearer access-2"]
    assert endpoint.grants[1]["refresh_token"] == "refresh-1"


def test_another_refresh_token_in_the_options_replaces_what_was_kept(tmp_path: Path) -> None:
    endpoint, path = Endpoint(), tmp_path / "tokens"
    bearer(rotating(endpoint, path))
    endpoint.newest = "authorised again"
    assert bearer(rotating(endpoint, path, "authorised again")) == "Bearer access-2"


def test_processes_that_renew_at_once_use_one_token(tmp_path: Path) -> None:
    endpoint, path = Endpoint(), tmp_path / "tokens"
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(bearer(rotating(endpoint, path))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["Bearer access-1"] * 8
    assert len(endpoint.grants) == 1


def test_no_token_is_used_up_where_the_next_one_can_not_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    endpoint = Endpoint()
    with pytest.raises(RuntimeError, match=r"can't be written: .* Name another one with the"):
        bearer(rotating(endpoint, tmp_path / "file" / "tokens"))
    assert endpoint.grants == []
    (tmp_path / "tokens").write_text("{")
    with pytest.raises(RuntimeError, match=r"tokens can't be read: .* set a new refresh_token"):
        bearer(rotating(endpoint, tmp_path / "tokens"))
    assert endpoint.grants == []


def test_a_write_that_is_cut_short_leaves_the_tokens_before_it(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens", "first")
    file.write(Tokens(refresh_token="one"))
    (tmp_path / ".tokens.new").write_text('{"refresh_tok')
    assert file.read().refresh_token == "one"
    file.write(Tokens(refresh_token="two"))
    assert TokenFile(tmp_path / "tokens", "first").read().refresh_token == "two"


def test_client_credentials_are_asked_for_once_and_again_after_a_refusal() -> None:
    endpoint = Endpoint()
    access = ClientCredentials(endpoint.grant, {"client_id": "app"})
    assert [bearer(access), bearer(access)] == ["Bearer access-1"] * 2
    assert access.renew() and bearer(access) == "Bearer access-2"
    assert endpoint.grants == [{"grant_type": "client_credentials", "client_id": "app"}] * 2
