"""A customer who reads the portal and sends its forms, as a browser without scripts does."""

from __future__ import annotations

import html
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

Fields = Sequence[tuple[str, str]]


class Got:
    """A page that was answered."""

    def __init__(self, status: int, url: str, body: bytes, headers: dict[str, str]) -> None:
        self.status = status
        self.url = url
        self.body = body
        self.headers = headers

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def words(self) -> str:
        """The visible text in one line."""
        return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", self.text).split()))

    def fields(self, action: str) -> list[tuple[str, str]]:
        """Return the hidden fields of the form whose address ends with `action`."""
        form = re.search(rf'<form[^>]*action="[^"]*{action}[^"]*".*?</form>', self.text, re.DOTALL)
        assert form is not None, action
        found = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form[0])
        return [(html.unescape(name), html.unescape(value)) for name, value in found]


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Reader:
    """Reads one link's pages."""

    def __init__(self, link: str, language: str = "en-GB") -> None:
        self.link = link
        self.language = language
        self._opener = urllib.request.build_opener(_Stay)

    def get(self, page: str = "", fields: Fields = ()) -> Got:
        """Open a page below the link."""
        query = f"?{urlencode(list(fields))}" if fields else ""
        return self._send(self.link + page + query, None, {})

    def open(self, address: str) -> Got:
        """Open an address that a page has."""
        return self._send(urljoin(self.link, html.unescape(address)), None, {})

    def post(self, page: str, fields: Fields, **headers: str) -> Got:
        """Send a form; follows the answer to the page that it leads to."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        got = self._send(self.link + page, urlencode(list(fields)).encode(), named)
        if got.status != 303:
            return got
        target = urljoin(self.link, got.headers["location"])
        assert urlsplit(target).netloc == urlsplit(self.link).netloc, "an open redirect"
        return self._send(target, None, {})

    def selection(self, *ids: str) -> Got:
        """Open the page of a selection."""
        return self.get("/selection", [("i", id) for id in ids])

    def _send(self, url: str, data: bytes | None, headers: dict[str, str]) -> Got:
        sent = {"Accept-Language": self.language, "Accept": "text/html", **headers}
        request = urllib.request.Request(url, data, sent)
        try:
            with self._opener.open(request, timeout=30) as got:
                answer = got.status, got.url, got.read(), got.headers
        except urllib.error.HTTPError as error:
            answer = error.code, url, error.read(), error.headers
        status, address, body, named = answer
        return Got(status, address, body, {key.lower(): value for key, value in named.items()})
