"""What an extraction does about an API that it does not reach."""

from __future__ import annotations

import socket

import pytest

from headrace.systems.api_reader import ApiReader


@pytest.mark.parametrize(
    ("trouble", "attempts"), [(socket.EAI_NONAME, 1), (socket.EAI_AGAIN, 6)], ids=["none", "again"]
)
def test_a_name_that_nobody_knows_is_said_at_once_and_a_resolver_that_rests_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, trouble: int, attempts: int
) -> None:
    asked, waited = [], []

    def resolve(host: str, *_: object) -> None:
        asked.append(host)
        raise socket.gaierror(trouble, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    reader = ApiReader("http://nobody.test/api", {})
    monkeypatch.setattr(reader, "_wait", waited.append)
    with pytest.raises(RuntimeError, match=r"nobody\.test.* no such name"):
        reader.get("/invoices")
    assert asked == ["nobody.test"] * attempts
    assert waited == [2.0**attempt for attempt in range(1, attempts)]
