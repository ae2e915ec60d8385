"""A recording has nobody's data: 1,000 planted secrets, and none of them in any encoding."""

from __future__ import annotations

import asyncio
import base64
import html
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from urllib.parse import quote, quote_plus
from urllib.request import Request, urlopen

from proxies import Handler, proxy_process, server

from headrace.client.answer import Answer
from headrace.client.transport import HttpTransport
from headrace.model.clock import SYSTEM_CLOCK
from headrace.testkit.conformance import recording
from headrace.testkit.conformance.cases import CASES
from headrace.testkit.conformance.server import Server, ServerUnderTest
from headrace.testkit.conformance.suite import run_cases
from headrace.testkit.hub import hub

_SYLLABLES = ("mar", "tin", "ö", "bel", "ra", "kov", "ski", "é", "lu", "dor", "wen", "ça")


def planted(seed: int) -> list[str]:
    """Names, e-mail addresses, IBANs, keys, ids, amounts and sentences, each of them unique."""
    chance = Random(seed)
    found: dict[str, None] = {}
    while len(found) < 1_000:
        name = "".join(chance.choices(_SYLLABLES, k=5)).title()
        number = chance.randrange(10**11, 10**12)
        found[name] = None
        found[f"{name.lower()}@{chance.choice(('firma', 'société'))}{number}.example"] = None
        found[f"FR76{number}{chance.randrange(10**10, 10**11)}"] = None
        found[f"sk_live_{chance.randbytes(12).hex()}"] = None
        found[f"{number}"] = None
        found[f'Owes "{name}" €{number}; <b>call</b> & sue'] = None
    return list(found)[:1_000]


def encodings(text: str) -> Iterator[str]:
    """The ways in which a text may be written in a file."""
    yield from {text, text.lower(), text.upper()}
    yield from {quote(text), quote(text, safe=""), quote(text, safe="").lower(), quote_plus(text)}
    yield from {json.dumps(text)[1:-1], html.escape(text), text.encode().hex()}
    yield repr(text.encode())[2:-1]
    for start in range(3):  # wherever it stands in a longer text
        whole = base64.b64encode(b"x" * start + text.encode()).decode().rstrip("=")
        inner = whole[4 if start else 0 : -2]
        yield from {inner, inner.replace("+", "-").replace("/", "_")}


def _leaks(secrets: list[str], text: str) -> list[str]:
    return [one for one in secrets if any(code in text for code in encodings(one))]


def test_the_search_finds_a_secret_in_every_encoding() -> None:
    for secret in planted(1)[:12]:
        for written in (json.dumps(secret), quote(secret), secret.encode().hex(), secret.upper()):
            assert _leaks([secret], f"before{written}after")
        for padding in ("", "ab", "abc?"):
            assert _leaks([secret], base64.b64encode(f"{padding}{secret} and".encode()).decode())


class _Bearer:
    """A server whose answers are full of secrets: in names, values, ids, headers and messages."""

    def __init__(self, secrets: list[str]) -> None:
        self.left = list(secrets)

    def take(self, count: int) -> list[str]:
        taken, self.left = self.left[:count], self.left[count:]
        return taken + [f"spent {count}"] * (count - len(taken))

    def __call__(self, request: Handler) -> tuple[int, dict[str, str], bytes]:
        one, two, three, four, five = self.take(5)
        if "external" in request.path:
            body: object = {"statusCode": 404, "error": one, "message": f"No {two} here",
                            "details": [{"field": three, "message": four}], five: five}  # fmt: skip
            status = 404
        else:
            status = 200
            body = {"offset": 0, "limit": 50, "total": 1, "customers": [
                {"id": one, "name": two, one: {two: [three]}, "state": four, "currency": five,
                 "paymentMethods": {three: {"iban": four}}, "createdAt": five}]}  # fmt: skip
        headers = {"X-Owner": quote(one), "Content-Type": "application/json", "Allow": quote(two),
                   "Retry-After": quote(three), "Location": f"/{quote(four)}"}  # fmt: skip
        return status, headers, json.dumps(body).encode()


def _requests(bearer: _Bearer, url: str) -> Iterator[Request]:
    numbers = iter(range(10_000))
    while bearer.left:
        one, two, three, four, five = bearer.take(5)
        headers = {"X-Api-Key": quote(one), "X-Api-Secret": quote(two), "X-Own": quote(three),
                   "Content-Type": f"application/json; {quote(one)}"}  # fmt: skip
        body = json.dumps({"name": four, five: {"id": one}, "externalId": two, "position": three})
        targets = (
            f"/customers/external:{quote(four, safe='')}?{quote(five)}={quote(one)}",
            f"/customers?customerId={quote(two)}&customFieldsData_{quote(four)}.eq={quote(five)}"
            f"&limit={quote(three)}&sortBy={quote(four)}",
            f"/{quote(five, safe='')}/{quote(four, safe='')}",
            f"/customers/external:{quote(four, safe='')}/contacts/{quote(five, safe='')}",
        )
        writes = next(numbers) % 2
        target = targets[next(numbers) // 2 % 4]
        data = body.encode() if writes else None
        yield Request(url + target, data, headers, method="POST" if writes else "GET")


def test_a_proxy_records_and_prints_none_of_a_thousand_secrets(tmp_path: Path) -> None:
    secrets = planted(2)
    bearer = _Bearer(secrets)
    kept = tmp_path / "kept.jsonl"
    options = ("--consent", "--record", str(kept))
    with server(bearer) as upstream, proxy_process(upstream, options) as proxy:
        for request in _requests(bearer, proxy.url):
            try:
                with urlopen(request) as answer:
                    answer.read()
            except OSError as error:
                assert getattr(error, "code", 0) in (404,)
        code, out, err = proxy.stop()
    assert code == 9
    assert bearer.left == []
    text = kept.read_text("utf-8")
    assert text.count('{"exchange":') > 5, "something is recorded"
    assert _leaks(secrets, text) == []
    assert _leaks(secrets, out + err) == []
    assert "not compared:" not in err


class _Gossip(Server):
    """Adds secrets to every answer of a hub."""

    secrets: Iterator[str]

    async def send(self, method: str, path: str, *rest: object) -> Answer:
        answer = await super().send(method, path, *rest)  # type: ignore[arg-type]
        if not answer.body.startswith(b"{"):
            return answer
        body = json.loads(answer.body)
        one, two, three = (next(self.secrets) for _ in range(3))
        body |= {one: two, "bic": three, "message": f"Ask {one}", "createdAt": two}
        entry = {"name": one, "externalId": two, "amount": int(three) if three.isdecimal() else 3}
        for value in list(body.values()):
            if isinstance(value, list) and value and isinstance(value[0], dict):
                value.append({**value[0], **entry, two: [three], "id": two})
        return Answer(answer.status, answer.headers, json.dumps(body).encode())


def test_a_recording_of_cases_has_none_of_a_thousand_secrets(tmp_path: Path) -> None:
    secrets = planted(3)
    cases = [case for case in CASES if case.topic in ("customers", "payments", "collection")]

    async def run(url: str, key: str, secret: str) -> None:
        target = ServerUnderTest(url, key, secret, 100_000, 5)
        async with HttpTransport(url, key, secret, 30, 5) as transport:
            gossip = _Gossip(target, transport, SYSTEM_CLOCK)
            gossip.secrets = (secrets[number % 1_000] for number in range(1_000_000))
            results = [result async for result in run_cases(gossip, cases, "run-1")]
        recording.save(recording.record(url, results), tmp_path / "cases.jsonl")

    with hub() as running:
        asyncio.run(run(running.url, running.key, running.secret))
    text = (tmp_path / "cases.jsonl").read_text("utf-8")
    assert len(text) > 10_000
    assert _leaks(secrets, text) == []
    assert running.key not in text
