"""Requests are signed as OAuth 1.0 says: another implementation makes the same signature."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from headrace.systems.signature import Signature, SigningKeys
from virtual_time import VirtualClock

KEYS = SigningKeys(
    realm="1234567_SB1",
    consumer_key="consumer key",
    consumer_secret="c/s+ecret",
    token="token",
    token_secret="t&secret=",
)


@pytest.mark.parametrize("query", ["", "?limit=1000&offset=0", "?q=a%20b%2Fc&empty=&q=%C3%A9"])
def test_a_signature_is_that_of_another_implementation(query: str) -> None:
    oauth1 = pytest.importorskip("oauthlib.oauth1")
    clock = VirtualClock()
    address = f"https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/x{query}"
    signed = Signature(KEYS, clock, lambda: "nonce").headers("POST", address)["Authorization"]
    other = oauth1.Client(
        KEYS.consumer_key,
        client_secret=KEYS.consumer_secret,
        resource_owner_key=KEYS.token,
        resource_owner_secret=KEYS.token_secret,
        signature_method="HMAC-SHA256",
        realm=KEYS.realm,
        nonce="nonce",
        timestamp=str(int(clock.now().timestamp())),
    )
    _, headers, _ = other.sign(address, http_method="POST")
    assert _fields(signed) == _fields(headers["Authorization"])


def _fields(header: str) -> dict[str, str]:
    found = re.findall(r'(\w+)="([^"]*)"', header)
    assert header.startswith("OAuth ") and len(found) == 8
    return {name: unquote(value) for name, value in found}


def test_each_request_has_a_nonce_of_its_own() -> None:
    signature = Signature(KEYS)
    signed = [signature.headers("GET", "https://a.test/")["Authorization"] for _ in range(9)]
    assert len({_fields(one)["oauth_nonce"] for one in signed}) == 9
