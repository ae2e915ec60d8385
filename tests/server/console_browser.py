"""A browser of the console that runs no scripts: it keeps the cookie and sends forms."""

from __future__ import annotations

import html
import http.client
import re
import secrets
import select
from typing import Any
from urllib.parse import urlencode, urlsplit

from headrace.model.clock import SYSTEM_CLOCK
from headrace.store.admin.console_users import limit_user, set_user
from headrace.store.engine.place import transactions
from headrace.testkit.hub import HubProcess, RunningHub
from passwords import quick_hash

EMAIL, PASSWORD = "anna@example.com", "correct horse battery"
HOME, SIGN_IN = "/console", "/console/sign-in"


def add_person(running: RunningHub, email: str = EMAIL, only: list[str] | None = None) -> None:
    """Let a person sign in, to all organisations or to some."""
    with transactions(running.place) as transact:
        transact(set_user, email, quick_hash(PASSWORD), SYSTEM_CLOCK.now())
        transact(limit_user, email, only)


class Shown:
    """A page as it was answered."""

    def __init__(self, status: int, text: str, headers: http.client.HTTPMessage) -> None:
        self.status = status
        self.text = text
        self.headers = headers

    @property
    def words(self) -> str:
        """What a person reads, with single blanks."""
        text = re.sub(r"<(script|style).*?</\1>", " ", self.text, flags=re.DOTALL)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())

    @property
    def location(self) -> str:
        return str(self.headers["Location"])

    def links(self, part: str) -> list[str]:
        """Return the addresses that contain a part."""
        found = re.findall(r'(?:href|action)="([^"]*)"', self.text)
        return [html.unescape(one) for one in found if part in one]

    def rows(self) -> list[str]:
        """Return the texts of the first cells of the first table's body."""
        body = self.text.partition("<tbody")[2].partition("</tbody>")[0]
        cells = re.findall(r'<th scope="row".*?</th>', body, flags=re.DOTALL)
        return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", one)).split()) for one in cells]


class Browser:
    """Keeps the console's cookie and one connection, and follows nothing by itself."""

    def __init__(self, running: RunningHub | HubProcess) -> None:
        at = urlsplit(running.url)
        self._connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=30)
        self.cookie = ""

    def ask(
        self,
        method: str,
        path: str,
        fields: dict[str, str] | None = None,
        raw: bytes | None = None,
        **headers: str,
    ) -> tuple[int, str, http.client.HTTPMessage]:
        connection = self._connection
        if connection.sock is not None and select.select([connection.sock], [], [], 0)[0]:
            connection.close()  # the hub has ended it
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            sent["Cookie"] = f"headrace_console={self.cookie}"
        body: str | bytes | None = raw
        if fields is not None:
            body = urlencode(fields)
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        connection.request(method, path, body, {"Accept": "text/html", **sent})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        if (cookie := answer.headers.get("Set-Cookie")) is not None:
            self.cookie = cookie.partition("=")[2].partition(";")[0].strip('"')
        return answer.status, text, answer.headers

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD, **headers: str) -> Any:
        return self.ask("POST", SIGN_IN, {"email": email, "password": password}, **headers)

    def proof(self) -> str:
        """Return what forms of this session carry."""
        found = re.search(r'name="proof" value="([^"]+)"', self.ask("GET", HOME)[1])
        assert found is not None
        return found[1]

    def get(self, path: str, **parameters: str) -> Shown:
        """Open a page."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return Shown(*self.ask("GET", path + query))

    def send(self, path: str, fields: dict[str, str] | None = None) -> Shown:
        """Send a form with the proof of this session."""
        return Shown(*self.ask("POST", path, {"proof": self.proof(), **(fields or {})}))

    def upload(
        self, path: str, fields: dict[str, str], files: dict[str, bytes], own: bool = True
    ) -> Shown:
        """Send a form with files, with the proof of this session unless it is not an `own` form."""
        border = secrets.token_hex(16)
        parts = []
        for name, value in {**({"proof": self.proof()} if own else {}), **fields}.items():
            parts.append(f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode())
        for name, content in files.items():
            head = f'Content-Disposition: form-data; name="{name}"; filename="x%22.png"\r\n'
            kind = "Content-Type: application/octet-stream\r\n\r\n"
            parts.append(head.encode() + kind.encode() + content)
        body = b"".join(b"--%s\r\n%s\r\n" % (border.encode(), part) for part in parts)
        body += f"--{border}--\r\n".encode()
        kind = f"multipart/form-data; boundary={border}"
        return Shown(*self.ask("POST", path, raw=body, Content_Type=kind))

    def as_person(self, email: str = EMAIL) -> Browser:
        """Sign in."""
        assert self.sign_in(email)[0] == 303
        return self
