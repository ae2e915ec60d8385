"""What no page of the console does, whatever it is asked and whatever is written into its forms."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import pytest
from console_browser import HOME, Browser, Shown, add_person
from hub_api import Api, credit_note, customer, invoice, payment

from engines import ENGINES, database_of
from headrace.console import overview
from headrace.console.overview import Overviews
from headrace.console.page import ORGANISATION, console_pages
from headrace.testkit.hub import hub

MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
OWN = f"{HOME}/organisations/acme"
PAGES = [path for path, (method, _) in console_pages(Overviews()).items() if method == "GET"]
_TYPES = ("text", "email", "search", "date", "password", "")


@pytest.fixture(scope="module", params=ENGINES)
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    with ExitStack() as stack:
        database = database_of(request, request.param, stack)
        running = stack.enter_context(hub(database=database, console=True))
        add_person(running)
        pair = running.add_organisation("acme")
        api = Api(running.url, pair.key, pair.secret, "acme")
        api.post("/customers", customer("C"))
        api.post("/invoices", invoice("I", "C"))
        api.post("/payments", payment("P", "C"))
        api.post("/credit_notes", credit_note("N", "C"))
        for entity in ("PAYMENT", "CREDIT_NOTE"):
            field = {"label": MARKUP, "dataType": "TEXT", "entityType": entity}
            api.post("/custom_fields", field)
        api.close()
        yield Browser(running).as_person()


def _pages(browser: Browser) -> Iterator[tuple[str, Shown]]:
    """Open every page in turn, with a record where its path has one; gives its place too."""
    names = {"customers": "C", "invoices": "I", "payments": "P", "credit-notes": "N"}
    for path in PAGES:
        kind = [*path.removeprefix(ORGANISATION).split("/"), ""][1]
        id = f"external:{names.get(kind, 'x')}"
        place = path.format(organisation="acme", id=id)
        shown = browser.get(place)
        if shown.status == 200:
            yield place, shown


class Form:
    """A form of a page, as a browser would send it."""

    def __init__(self, text: str) -> None:
        head = text.partition(">")[0]
        self.action = html.unescape(re.search(r'action="([^"]*)"', head)[1])  # type: ignore[index]
        self.is_post = 'method="post"' in head
        self.is_upload = "multipart" in head
        self.fields: dict[str, str] = {}
        self.texts: list[str] = []
        for tag in re.findall(r"<(?:input|textarea|select|button)[^>]*>", text):
            attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
            name = attributes.get("name")
            if name is None or attributes.get("type") == "file":
                continue
            self.fields[name] = html.unescape(attributes.get("value", ""))
            is_text = tag.startswith(("<textarea", "<input"))
            if is_text and attributes.get("type", "") in _TYPES:
                self.texts.append(name)
        for name, options in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', text, re.DOTALL):
            values = re.findall(r'<option value="([^"]+)"', options)
            self.fields[name] = html.unescape(values[0]) if values else ""

    def send(self, browser: Browser, text: str) -> Shown:
        fields = {**self.fields, **dict.fromkeys(self.texts, text)}
        if self.is_upload:
            return browser.upload(self.action, fields, {"file": text.encode(), "logo": b"x"})
        if self.is_post:
            return browser.send(self.action, fields)
        return browser.get(self.action, **fields)


def _forms(shown: Shown) -> list[Form]:
    main = shown.text.partition("<main")[2]
    return [Form(one) for one in re.findall(r"<form(.*?)</form>", main, re.DOTALL)]


def test_markup_in_every_text_field_of_every_form_is_text(browser: Browser) -> None:
    sent = 0
    for _, page in _pages(browser):
        for form in _forms(page):
            # What ends sessions or keys comes last, and is the same with any text.
            if not form.texts or "revoke" in form.action:
                continue
            shown = form.send(browser, MARKUP)
            sent += 1
            assert shown.status in (200, 303, 400), (form.action, shown.status, shown.words)
            assert "<script>alert" not in shown.text, form.action
            assert "<img src=x" not in shown.text, form.action
    assert sent > 25
    for place, shown in _pages(browser):
        assert "<script>alert" not in shown.text, place
        assert "<img src=x" not in shown.text, place


@pytest.mark.parametrize(
    "text", ["\0", "\ud800", "x" * 150_000, "\N{RIGHT-TO-LEFT OVERRIDE}", "\r\nX: y", "  "],
    ids=["nul", "surrogate", "long", "direction", "line", "blank"],
)  # fmt: skip
def test_no_text_makes_a_form_fail(browser: Browser, text: str) -> None:
    for place, page in _pages(browser):
        if "/hub" in place:
            continue
        for form in _forms(page):
            if not form.is_post or not form.texts or form.is_upload:
                continue
            raw = "&".join(
                f"{quote(name)}={quote(value, errors='surrogatepass')}"
                for name, value in {**form.fields, **dict.fromkeys(form.texts, text)}.items()
            )
            status = browser.ask(
                "POST", form.action, raw=raw.encode(),
                Content_Type="application/x-www-form-urlencoded",
            )[0]  # fmt: skip
            assert status in (200, 303, 400, 413), (form.action, status)


def test_no_parameter_makes_a_page_fail(browser: Browser) -> None:
    names = ("q", "state", "from", "after", "sort", "customer", "status", "match", "operation")
    places = [place for place, _ in _pages(browser)]
    for value in ("%00", "%ff%fe", "1" * 3_000, "..%2f..", "%F0%9F%92%A9", "-1.-1", "1.1"):
        query = "&".join(f"{name}={value}" for name in names)
        for place in places:
            assert browser.ask("GET", f"{place}?{query}")[0] in (200, 400, 404), (place, value)
    for id in ("%00", "external:%00", "%F0%9F%92%A9", "x" * 2_000, "..", "external:", "%2e%2e"):
        for path in PAGES:
            if "{id}" in path:
                place = path.format(organisation="acme", id=id)
                assert browser.ask("GET", place)[0] in (404, 307, 308), place
    for name in ("%00", "%0d%0aX: y".replace(" ", "%20"), "x" * 2_000):
        assert browser.ask("GET", f"{HOME}/organisations/{name}")[0] == 404


def test_a_page_whose_figures_are_computed_says_so_and_comes_again(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "_PATIENCE_S", 0.0)
    place = f"{HOME}/organisations/test"
    first: Any = browser.get(place)
    assert first.status == 200
    assert "The figures are being computed." in first.words
    assert first.headers["Refresh"] == "2"
    for _ in range(500):
        shown = browser.get(place)
        if "being computed" not in shown.words:
            break
    assert "Nothing is open" in shown.words
    assert shown.headers["Refresh"] is None
