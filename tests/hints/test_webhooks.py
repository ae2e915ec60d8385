"""Webhooks: only who knows the secret gets a look at the source, and gets nothing else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
from datetime import UTC, datetime

import aiohttp
import pytest

from headrace.hints.signatures import is_genuine
from headrace.hints.webhook import Hook, webhooks
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ConfigurationError
from headrace.model.webhook_settings import WebhookSettings

_NOW = datetime(2026, 5, 5, tzinfo=UTC).timestamp()
_BODY = b'{"id": "evt_1"}'
_SECRET = "whsec_abc"


def _digest(text: bytes, secret: str = _SECRET) -> bytes:
    return hmac.new(secret.encode(), text, hashlib.sha256).digest()


def _stripe(moment: float, secret: str = _SECRET) -> str:
    signature = _digest(f"{moment:.0f}.".encode() + _BODY, secret).hex()
    return f"t={moment:.0f},v1={signature}"


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("check", "header", "value", "genuine"),
    [
        ("stripe", "Stripe-Signature", _stripe(_NOW), True),
        ("stripe", "Stripe-Signature", f"t={_NOW:.0f},v1=0,{_stripe(_NOW)}", True),
        ("stripe", "Stripe-Signature", _stripe(_NOW - 301), False),
        ("stripe", "Stripe-Signature", _stripe(_NOW + 301), False),
        ("stripe", "Stripe-Signature", _stripe(_NOW, "other"), False),
        ("stripe", "Stripe-Signature", "t=,v1=", False),
        ("stripe", "Stripe-Signature", "v1=é", False),
        ("stripe", "X-Signature", _digest(_BODY).hex(), False),
        ("chargebee", "Authorization", _basic(_SECRET), True),
        ("chargebee", "Authorization", _basic("me:other"), False),
        ("chargebee", "Authorization", "Basic ???", False),
        ("chargebee", "Authorization", "", False),
        ("hmac", "X-Signature", _digest(_BODY).hex(), True),
        ("hmac", "X-Signature", f"sha256={_digest(_BODY).hex().upper()}", True),
        ("hmac", "X-Signature", base64.b64encode(_digest(_BODY)).decode(), True),
        ("hmac", "X-Signature", _digest(b"other").hex(), False),
        ("hmac", "X-Signature", "", False),
        ("hmac", "X-Other", _digest(_BODY).hex(), False),
    ],
)
def test_a_signature_is_checked_as_its_sender_makes_it(
    check: str, header: str, value: str, genuine: bool
) -> None:
    settings = WebhookSettings(secret="env:X", check=check)  # type: ignore[arg-type]
    assert is_genuine(settings, _SECRET, {header: value}, _BODY, _NOW) is genuine


def test_a_genuine_request_is_a_hint_and_any_other_is_refused() -> None:
    async def run() -> None:
        hook = Hook(WebhookSettings(secret="env:X", header="X-Hub-Signature-256"), _SECRET)
        hints: list[str] = []

        def find(name: str) -> Hook | None:
            if name == "unset":
                raise ConfigurationError("the environment variable X is not set")
            return hook if name == "shop" else None

        async with (
            webhooks("127.0.0.1:0", find, hints.append, SYSTEM_CLOCK) as port,
            aiohttp.ClientSession() as session,
        ):
            url = f"http://127.0.0.1:{port}/hints/"

            async def post(name: str, body: bytes, signed: bytes = _BODY) -> tuple[int, str]:
                headers = {"X-Hub-Signature-256": f"sha256={_digest(signed).hex()}"}
                async with session.post(url + name, data=body, headers=headers) as answer:
                    return answer.status, await answer.text()

            assert await post("shop", _BODY) == (204, "")
            wrong = await post("shop", b"changed on the way")
            assert wrong[0] == 401
            assert await post("other", _BODY) == wrong, "no one learns which organisations exist"
            assert (await post("unset", _BODY))[0] == 503
            assert (await post("shop", b"x" * 3_000_000))[0] == 413
            async with session.get(url + "shop") as answer:
                assert answer.status == 405
        assert hints == ["shop"]

    asyncio.run(run())


def test_an_address_in_use_is_a_sentence() -> None:
    async def run(place: str) -> None:
        async with webhooks(place, lambda name: None, lambda name: None, SYSTEM_CLOCK):
            pass

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(
            ConfigurationError, match="can't be listened at: Address already in use"
        ):
            asyncio.run(run(place))
