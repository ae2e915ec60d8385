"""The console's settings and its pages for developers, as people use them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from console_browser import EMAIL, HOME, PASSWORD, Browser, Shown, add_person
from hub_api import Api, customer, invoice, payment

from engines import ENGINES, database_of
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.entity import INVOICE
from headrace.model.errors import Refused
from headrace.store.admin.console_users import set_user
from headrace.store.context import Context
from headrace.store.engine.place import Place, transactions
from headrace.store.records.documents import delete_document
from headrace.store.records.organisations import find_organisation
from headrace.store.records.references import Address
from headrace.testkit.hub import RunningHub, hub, hub_process, make_keys
from passwords import quick_hash
from portal_reader import Reader

NAME = "Shop"
OWN = f"{HOME}/organisations/{NAME}"
HUB = f"{HOME}/hub"
MARKUP = "<script>alert(1)</script>\"'"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


class Shop:
    """An organisation, and somebody who sets it up."""

    def __init__(self, running: RunningHub) -> None:
        self.running = running
        add_person(running)
        pair = running.add_organisation(NAME)
        self.api = Api(running.url, pair.key, pair.secret, NAME)
        self.key = pair.key
        self.browser = Browser(running).as_person()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return self.running.control.call(method, f"/organisations/{NAME}{path}", body)

    def get(self, path: str, **parameters: str) -> Shown:
        shown = self.browser.get(OWN + path, **parameters)
        assert shown.status == 200, shown.words
        return shown

    def send(self, place: str, status: int = 303, /, **fields: str) -> Shown:
        shown = self.browser.send(OWN + place, fields)
        assert shown.status == status, shown.words
        return shown


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    with ExitStack() as stack:
        database = database_of(request, request.param, stack)
        made = Shop(stack.enter_context(hub(database=database, console=True)))
        yield made
        made.api.close()


def test_what_the_api_does_not_make_is_made_and_removed_here(shop: Shop) -> None:
    for slug, fields, path, wrong in (
        ("positions", {"name": "BOSS"}, None, {"name": ""}),
        ("users", {"email": "a@b.example", "firstName": MARKUP}, "users", {"email": ""}),
        ("accounts", {"name": MARKUP, "currency": "EUR"}, "bank_accounts", {"currency": "euro"}),
        ("plans", {"name": "Soft", "mode": "MANUAL"}, "dunning_plans", {"name": "x", "mode": "?"}),
        (
            "fields",
            {"label": "Region", "dataType": "TEXT", "entityType": "CUSTOMER", "externalId": "r"},
            "custom_fields",
            {"label": "x", "dataType": "WORDS", "entityType": "CUSTOMER"},
        ),
    ):  # fmt: skip
        place = f"/settings/{slug}"
        refused = shop.send(f"{place}/new", 400, **wrong)
        assert "Nothing was changed." in refused.words
        assert 'aria-invalid="true"' in refused.text, slug
        shop.send(f"{place}/new", **fields)
        shown = shop.get(place)
        assert "<script>alert" not in shown.text
        first = next(iter(fields.values()))
        assert first in shown.words
        if path is not None:
            (listed,) = (v for v in shop.api.get(f"/{path}").values() if isinstance(v, list))
            assert len(listed) == 1
        id = re.search(r'name="id" value="([^"]+)"', shown.text)
        assert id is not None
        shop.send(f"{place}/remove", id="BOSS" if slug == "positions" else id[1])
        if path is not None:
            (listed,) = (v for v in shop.api.get(f"/{path}").values() if isinstance(v, list))
            assert listed == []
        assert "There is no" in shop.send(f"{place}/remove", 400, id="nothing").words


def test_what_is_in_use_can_not_be_removed(shop: Shop) -> None:
    contact = {"email": "x@y.example", "position": "SALES"}
    shop.api.post("/customers", customer("used", contacts=[contact]))
    refused = shop.send("/settings/positions/remove", 400, id="SALES").words
    assert "Contacts of 1 customers have the position SALES" in refused


def test_keys_are_shown_once_rotated_and_revoked(shop: Shop) -> None:
    made = shop.send("/settings/keys/new", 200, name=MARKUP)
    key, secret = (
        re.search(rf'aria-label="{name}">([^<]+)<', made.text)[1]  # type: ignore[index]
        for name in ("Key", "Secret")
    )
    assert secret not in shop.get("/settings/keys").text
    assert "<script>alert" not in made.text
    own = Api(shop.running.url, key, secret, NAME)
    own.get("/customers")
    shop.send("/settings/keys/rotate", 400, key=key, overlap="for ever")
    rotated = shop.send("/settings/keys/rotate", 200, key=key, overlap="1 hour")
    assert "The secret is shown this once." in rotated.words
    own.get("/customers")
    assert (
        "There is no key" in shop.send("/settings/keys/rotate", 400, key=key, overlap="1 day").words
    )
    shop.send("/settings/keys/revoke", key=key)
    assert own.call("GET", "/customers").status == 401
    assert "There is no active key" in shop.send("/settings/keys/revoke", 400, key=key).words
    shop.send("/settings/keys/new", 400, name="x" * 201)
    words = shop.get("/settings/keys").words
    assert "revoked" in words
    assert shop.key in words
    own.close()


def test_the_portal_is_set_and_shown_in_a_frame_of_the_hub_only(shop: Shop) -> None:
    shop.api.post("/customers", customer("p", name="Portal customer"))
    shop.api.post("/invoices", invoice("p", "p", 1000, dueDate="2026-01-01"))
    wrong = shop.send("/settings/portal/change", 400, colour="red", payments="maybe")
    assert "Payments by card: choose one of the list." in wrong.words
    assert "Colour" in shop.send("/settings/portal/change", 400, colour="red").words
    fields = {"name": MARKUP, "colour": "#123456", "payments": "on", "promises": "1"}
    shop.send("/settings/portal/change", **fields)
    settings = shop.control("GET", "/portal")
    assert (settings["name"], settings["disputes"], settings["promises"]) == (MARKUP, False, True)
    assert settings["partial"] is False
    shown = shop.send("/settings/portal/change", 200, sample="p", **fields)
    frame = re.search(r'<iframe[^>]* src="(/portal/[^"]+)"', shown.text)
    assert frame is not None
    assert "frame-src 'self'" in shown.headers["Content-Security-Policy"]
    inner = Reader(shop.running.url.removesuffix("/v1") + frame[1]).get()
    host = shop.running.url.split("/")[2]
    assert inner.headers["content-security-policy"].endswith(f"frame-ancestors {host}")
    assert "frame-src" not in shop.get("/settings/portal").headers["Content-Security-Policy"]
    assert "no customer" in shop.send("/settings/portal/change", 400, sample="x").words
    shop.send("/settings/portal/change", disputes="1", promises="1", partial="1")
    assert shop.control("GET", "/portal")["colour"] is None


def test_a_logo_is_a_small_picture_and_nothing_else(shop: Shop) -> None:
    place = f"{OWN}/settings/portal/logo"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    for content, said in (
        (b"", "Choose a picture."), (svg, "is no PNG"), (b"<html>", "is no PNG"),
        (PNG + b"x" * 100_000, "is larger than 100,000 bytes"), (b"GIF", "is no PNG"),
    ):  # fmt: skip
        shown = shop.browser.upload(place, {}, {"logo": content})
        assert (shown.status, said in shown.words) == (400, True), shown.words
    assert shop.browser.upload(place, {}, {"logo": b"x" * 11_000_000}).status == 413
    assert shop.browser.upload(place, {}, {"logo": PNG}).status == 303
    status, _, headers = shop.browser.ask("GET", f"{OWN}/settings/portal/picture")
    assert (status, headers["Content-Type"]) == (200, "image/png")
    assert headers["X-Content-Type-Options"] == "nosniff"
    shop.api.post("/customers", customer("logo", name="Seen"))
    reader = Reader(shop.api.post("/customers/external:logo/portal", {})["url"])
    assert '<img class="logo" src="' in reader.get().text
    picture = reader.get("/logo")
    assert (picture.status, picture.body) == (200, PNG)
    assert picture.headers["content-type"] == "image/png"
    assert "sandbox" in picture.headers["content-security-policy"]
    assert shop.browser.upload(place, {"remove": "1"}, {}).status == 303
    assert reader.get("/logo").status == 404
    assert "logo" not in reader.get().text.partition("<main")[0]


def test_requests_are_found_by_status_kind_key_and_words(shop: Shop) -> None:
    shop.api.post("/customers", customer("seen", name="Seen"))
    shop.api.refused("POST", "/payments", payment("none", "nobody"))
    for _ in range(500):  # the journal is written within a fraction of a second
        if "POST /v1/payments" in shop.get("/requests", status="4xx").words:
            break
    rows = shop.get("/requests", status="4xx", entity="payment").rows()
    assert rows == ["POST /v1/payments"]
    assert shop.get("/requests", key="hub_" + "0" * 24).rows() == []
    assert shop.get("/requests", key=shop.key, match="seen").rows() == ["POST /v1/customers"]
    assert "write one as 404" in shop.get("/requests", status="lots").words
    shown = shop.get("/requests", status="4xx", entity="payment")
    link = next(one for one in shown.links(f"{OWN}/requests/req_"))
    page = shop.browser.get(link)
    assert "no customer with externalId nobody" in page.words
    assert "-d '{" in page.words
    assert shop.browser.get(f"{OWN}/requests/req_none").status == 404


def test_a_request_shows_the_balance_before_and_after(shop: Shop) -> None:
    api = shop.api
    api.post("/customers", customer("bal", name="Balanced"))
    api.post("/customers", customer("kid", name="Kid", parent={"externalId": "bal"}))
    api.post("/invoices", invoice("b1", "bal", 1000))
    api.post("/invoices", invoice("b2", "kid", 500))
    api.post("/invoices", invoice("b1", "bal", 700), status=200)
    api.post("/payments", payment("b3", "bal", 300))
    assert api.call("DELETE", "/invoices/external:b2").status == 204
    expected = [
        ("DELETE", "9.00", "-5.00", "4.00"), ("POST", "12.00", "-3.00", "9.00"),
        ("POST", "15.00", "-3.00", "12.00"), ("POST", "10.00", "5.00", "15.00"),
        ("POST", "0.00", "10.00", "10.00"),
    ]  # fmt: skip
    for _ in range(500):  # the journal is written in order
        if "DELETE /v1/invoices/external:b2" in shop.get("/requests", match="external:b2").rows():
            break
    links: set[str] = set()
    for kind in ("invoice", "payment"):
        shown = shop.get("/requests", match="b", entity=kind)
        links |= set(shown.links(f"{OWN}/requests/req_"))
    said = []
    first = ""
    for link in sorted(links, reverse=True):
        words = shop.browser.get(link).words
        found = re.search(r"Before EUR (\S+) Change EUR (\S+) After EUR (\S+)", words)
        if found and "Balance of Balanced" in words:
            first = link
            said.append((words.partition(" /v1/")[0].split()[-1], *found.groups()))
    assert said == expected
    id = api.get("/invoices/external:b1")["id"]
    shop.send(f"/invoices/{id}/state", action="write-off")
    for _ in range(500):
        noted = shop.get("/requests", match="/state").links(f"{OWN}/requests/con_")
        if noted:
            break
    words = shop.browser.get(noted[0]).words
    assert "Before EUR 4.00 Change EUR -7.00 After EUR -3.00" in words
    assert '"by": "anna@example.com"' in words
    assert "Before EUR 0.00 Change EUR 10.00 After EUR 10.00" in shop.browser.get(first).words
    # What the journal does not have makes earlier balances unknown.
    made = {"customer": {"externalId": "bal"}, "currency": "EUR", "amount": 5}
    shop.control("POST", "/collected", made)
    words = shop.browser.get(first).words
    assert "Before not known Change EUR 10.00 After not known" in words


def test_a_balance_is_not_known_while_the_journal_lacks_a_deletion(shop: Shop) -> None:
    """The journal is written a moment after the answer; a page must not count without it."""
    shop.api.post("/customers", customer("gap", name="Gap"))
    shop.api.post("/invoices", invoice("gap1", "gap", 1000))
    shop.api.post("/invoices", invoice("gap2", "gap", 500))
    links: list[str] = []
    for _ in range(500):
        shown = shop.get("/requests", match="gap", entity="invoice")
        links = sorted(set(shown.links(f"{OWN}/requests/req_")))
        if len(links) == 2:
            break
    assert "Before EUR 10.00 Change EUR 5.00 After EUR 15.00" in shop.browser.get(links[-1]).words

    def gone(db: Any) -> None:
        organisation = find_organisation(db, NAME)
        assert organisation is not None
        delete_document(
            db, Context(organisation, SYSTEM_CLOCK.now()), INVOICE, Address(external_id="gap1")
        )

    with transactions(shop.running.place) as transact:
        transact(gone)
    words = shop.browser.get(links[-1]).words
    assert "Before not known Change EUR 5.00 After not known" in words


def test_faults_are_armed_from_presets_and_disarmed(shop: Shop) -> None:
    for wrong, said in (
        ({"preset": ""}, "Fault is required."), ({"preset": "lost", "times": "0"}, "at least 1"),
        ({"preset": "lost", "on": "POST /nothing"}, "there is no POST /nothing in the API"),
        ({"preset": "x"}, "choose one of the list"),
    ):  # fmt: skip
        assert said in shop.send("/testing/faults", 400, **wrong).words
    shop.send("/testing/faults", preset="limit", on="GET /customers", times="2")
    answer = shop.api.call("GET", "/customers")
    assert (answer.status, answer.headers["retry-after"]) == (429, "5")
    assert "hit 1, left 1" in shop.get("/testing").words
    id = re.search(r'name="id" value="([^"]+)"', shop.get("/testing").text)
    assert id is not None
    shop.send("/testing/disarm", id=id[1])
    assert shop.api.call("GET", "/customers").status == 200
    assert shop.browser.send(f"{OWN}/testing/disarm", {"id": "none"}).status == 404


def test_time_is_stopped_moved_and_let_go(shop: Shop) -> None:
    shop.send("/testing/clock", 400, action="freeze", at="noon")
    shop.send("/testing/clock", action="freeze", at="2026-12-24T10:00:00Z")
    assert "It is 2026-12-24 10:00:00 UTC, and stands still" in shop.get("/testing").words
    assert "such as 90s" in shop.send("/testing/clock", 400, action="advance", by="soon").words or (
        "by" in shop.send("/testing/clock", 400, action="advance", by="soon").words
    )
    shop.send("/testing/clock", action="advance", by="1d")
    assert shop.control("GET", "/clock")["now"] == "2026-12-25T10:00:00.000Z"
    shop.send("/testing/clock", action="release")
    assert shop.control("GET", "/clock")["stopped"] is False


def test_seeds_and_resets_take_a_whole_organisation(shop: Shop) -> None:
    place = f"{OWN}/testing/seed"
    line = {"method": "POST", "path": "/customers", "body": customer("seeded")}
    good = json.dumps(line)
    for fields, files in (
        ({}, {}), ({"lines": "{"}, {}), ({"lines": good + "\n{}"}, {}), ({}, {"file": b"\xff"}),
    ):  # fmt: skip
        shown = shop.browser.upload(place, fields, files)
        assert shown.status == 400, shown.words
        assert shop.api.call("GET", "/customers/external:seeded").status == 404
    shown = shop.browser.upload(place, {}, {"file": good.encode()})
    assert (shown.status, "1 calls were played" in shown.words) == (200, True)
    assert shop.api.get("/customers/external:seeded")["name"] == "Customer seeded"
    shop.send("/testing/reset", 400, name="shop")
    assert shop.api.get("/customers")["total"] > 0
    shop.send("/testing/reset", name=NAME)
    assert shop.api.get("/customers")["total"] == 0
    assert "There is nothing yet" in shop.get("/customers").words


def test_the_api_can_be_tried(shop: Shop) -> None:
    body = {"externalId": "tried", "name": "Tried"}
    sent = {"operation": "POST /customers", "path": "/v1/customers", "body": json.dumps(body)}
    for wrong, said in (
        ({**sent, "body": "{"}, "This is no JSON"), ({**sent, "path": "/console"}, "below /v1/"),
        ({**sent, "operation": "POST /nothing"}, "Choose an operation."),
        ({**sent, "path": "/v1/x\r\nHost: evil"}, "below /v1/"),
        ({"operation": "GET /customers/{id}", "path": "/v1/customers/{id}"}, "in braces"),
    ):  # fmt: skip
        assert said in shop.send("/api/send", 400, **wrong).words
    shown = shop.send("/api/send", 200, **sent)
    assert "Answer 201" in shown.words
    assert '"externalId": "tried"' in shown.words
    assert shop.api.get("/customers/external:tried")["name"] == "Tried"
    gone = shop.send("/api/send", 200, operation="GET /customers", path="/v1/customers/x")
    assert "There is no customer with id x" in gone.words
    shown = shop.send("/api/send", 200, operation="GET /customers", path="/v1/customers?limit=1")
    assert '"limit": 1' in shown.words
    keys = [one for one in shop.running.control.call("GET", "/keys")["keys"]
        if one["organisation"] == NAME and one["name"] == "console"]  # fmt: skip
    assert len(keys) == 1
    assert keys[0]["expiresAt"] is not None


def test_sandboxes_snapshots_and_rates_are_of_the_hub(shop: Shop) -> None:
    browser, call = shop.browser, shop.running.control.call
    for wrong in ({"entities": "many"}, {"name": "a/b"}, {"expiresIn": "soon"}):
        assert browser.send(f"{HUB}/sandboxes", wrong).status == 400
    made = browser.send(f"{HUB}/sandboxes", {"name": "play", "expiresIn": "1h"})
    assert "Its secret is shown this once." in made.words
    assert call("GET", "/sandboxes/play")["expiresAt"] is not None
    assert browser.send(f"{HUB}/sandboxes", {"name": "play"}).status == 400
    assert browser.send(f"{HUB}/sandboxes/remove", {"name": "play"}).status == 303
    with pytest.raises(Refused):
        call("GET", "/sandboxes/play")
    for wrong in ({"base": "EUR", "currency": "USD", "rate": "x"}, {"base": "", "currency": ""}):
        assert browser.send(f"{HUB}/rates", wrong).status == 400
    rate = {"base": "EUR", "currency": "USD", "rate": "2", "day": "2026-01-01"}
    assert browser.send(f"{HUB}/rates", rate).status == 303
    assert "1 EUR = 2 USD 2026-01-01" in browser.get(HUB).words
    shop.api.post("/customers", customer("rates"))
    for name, currency in (("r1", "EUR"), ("r2", "USD"), ("r3", "JPY")):
        shop.api.post("/invoices", invoice(name, "rates", 1000, currency=currency))
    overview = browser.get(OWN).words
    assert "Outstanding in EUR EUR 15.00 Rates in use: 1 USD = 0.500000 EUR." in overview
    assert "for want of a rate: JPY" in overview
    assert "Requests of the last minute:" in overview
    assert browser.send(f"{HUB}/rates", {"remove": "1"}).status == 303
    assert call("GET", "/rates")["rates"] == []
    name = "before"
    assert browser.send(f"{HUB}/snapshots", {"name": "../x"}).status == 400
    assert browser.send(f"{HUB}/snapshots", {"name": name}).status == 303
    assert name in browser.get(HUB).words
    shop.api.post("/customers", customer("after"))
    assert browser.send(f"{HUB}/snapshots/restore", {"name": name}).status == 303
    assert browser.get(HUB).status == 303, "everybody signs in again"
    browser.as_person()
    assert shop.api.call("GET", "/customers/external:after").status == 404
    assert browser.send(f"{HUB}/snapshots/remove", {"name": name}).status == 303
    assert browser.send(f"{HUB}/snapshots/remove", {"name": name}).status == 400


def test_the_rules_of_the_api_and_what_a_proxy_found(shop: Shop, tmp_path: Path) -> None:
    words = shop.browser.get(f"{HUB}/likeness", operation="POST /customers").words
    assert "documented" in words
    assert "POST /customers" in words
    assert "The hub was given no file of differences." in words


def test_what_a_proxy_found_is_read_from_its_file(tmp_path: Path) -> None:
    file, data = tmp_path / "differences.jsonl", tmp_path / "hub"
    place = Place(folder=data)
    with transactions(place, make=True) as transact:
        transact(set_user, EMAIL, quick_hash(PASSWORD), SYSTEM_CLOCK.now())
    options = ("--console", "--differences", str(file))
    with hub_process(data, options=options) as served:
        browser = Browser(served).as_person()
        missing = browser.get(f"{HUB}/likeness")
        assert (missing.status, "can't be read" in missing.words) == (400, True)
        one = {"operation": "GET /x", "kind": "null", "place": "body.<b>", "hub": None, "server": 1}
        file.write_text("not JSON\n" + json.dumps(one) + '\n{"compared": 3}\n')
        words = browser.get(f"{HUB}/likeness").words
        assert "GET /x null body.<b> nothing 1" in words
        file.write_text("")
        assert "The proxy found no difference." in browser.get(f"{HUB}/likeness").words


def test_a_hub_without_journal_and_control_plane_has_its_console(tmp_path: Path) -> None:
    data = tmp_path / "hub"
    make_keys(data, NAME)
    with transactions(Place(folder=data)) as transact:
        transact(set_user, EMAIL, quick_hash(PASSWORD), SYSTEM_CLOCK.now())
    options = ("--console", "--request-journal", "0", "--control", "off")
    with hub_process(data, options=options) as served:
        browser = Browser(served).as_person()
        assert "no hub has kept a journal" in browser.get(f"{OWN}/requests").words
        assert browser.get(OWN).status == 200
        body = json.dumps({"externalId": "C", "name": "Alone"})
        sent = {"operation": "POST /customers", "path": "/v1/customers", "body": body}
        assert "Answer 201" in browser.send(f"{OWN}/api/send", sent).words
        listed = browser.get(f"{OWN}/customers")
        (link,) = listed.links(f"{OWN}/customers/")
        assert "keeps no journal of requests" in browser.get(link).words
        assert "started with --test-mode" in browser.get(f"{OWN}/testing").words


def test_a_name_can_not_add_a_header(shop: Shop) -> None:
    name = 'x"\r\nSet-Cookie: a=b\r\n; ü'
    shop.running.add_organisation(name)
    own = f"{HOME}/organisations/{quote(name, safe='')}"
    for path in ("", "/customers", "/customers.csv", "/settings"):
        shown = shop.browser.get(own + path)
        assert shown.status == 200
        assert "Set-Cookie" not in shown.headers
    disposition = shop.browser.get(f"{own}/payments.csv").headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="x_Set-Cookie_ a=b_')
    made = shop.browser.send(f"{own}/settings/positions/new", {"name": "X"})
    assert made.status == 303
    assert made.location == f"{own}/settings/positions"
    listed = shop.browser.get(HOME)
    assert f'href="{own}"' in listed.text


def test_people_see_the_organisations_that_they_are_limited_to(shop: Shop) -> None:
    shop.running.add_organisation("Elsewhere")
    add_person(shop.running, "some@example.com", [NAME])
    some = Browser(shop.running).as_person("some@example.com")
    assert some.get(OWN).status == 200
    assert some.get(f"{HOME}/organisations/Elsewhere").status == 404
    assert "Elsewhere" not in some.get(HOME).words
    assert f'href="{HUB}"' not in some.get(HOME).text
    assert "Exchange rates" not in some.get(f"{OWN}/settings").words
    add_person(shop.running, "some@example.com", None)
    some.as_person("some@example.com")
    assert some.get(f"{HOME}/organisations/Elsewhere").status == 200
