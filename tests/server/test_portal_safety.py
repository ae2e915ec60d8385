"""What nobody can do with a link to the portal, or without one."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hub_api import Api, customer, invoice, payment
from portal_desk import Desk

from headrace.portal.page import PAGES
from headrace.testkit.hub import RunningHub
from portal_reader import Reader

MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
PDF = base64.b64encode(b"%PDF-1.4 terms").decode()
DAY = timedelta(days=1).total_seconds()


@pytest.fixture
def desk(running: RunningHub, api: Api) -> Desk:
    return Desk(running, api)


@pytest.fixture
def other(running: RunningHub, new_api: Callable[..., Api]) -> Desk:
    return Desk(running, new_api())


def test_another_organisations_records_are_not_there(desk: Desk, other: Desk) -> None:
    other.settings(payments="on")
    shared = other.control("POST", "/portal/documents", {"name": "Terms", "data": PDF})
    assert desk.reader.get(f"/files/{shared['id']}").status == 404
    assert desk.reader.selection(other.ids["late"]).status == 400
    foreign = other.api.get("/customers/external:C")["id"]
    assert desk.reader.get("", [("customer", foreign)]).status == 404
    page = other.reader.selection(other.ids["late"])
    paid = other.reader.post("/pay", page.fields("/pay"))
    receipt = paid.url.partition("?")[2]
    assert desk.reader.open(f"{desk.reader.link}/receipt?{receipt}").status == 404
    settle = desk.control("GET", "/portal/links")["links"][0]["id"]
    for path in (f"/portal/links/{settle}", f"/portal/documents/{shared['id']}"):
        with pytest.raises(Exception, match="There is no"):
            (other if "links" in path else desk).control("DELETE", path)


def test_a_form_is_taken_only_from_a_page_of_the_same_link(desk: Desk) -> None:
    second = Reader(desk.api.post("/customers/external:C/portal", {})["url"])
    page = desk.reader.selection(desk.ids["late"])
    fields = [*page.fields("/promise"), ("day", "2026-12-01")]
    without = [(name, value) for name, value in fields if name != "proof"]
    for reader, sent, headers in (
        (desk.reader, without, {}),
        (desk.reader, [*without, ("proof", "x")], {}),
        (second, fields, {}),
        (desk.reader, fields, {"Sec_Fetch_Site": "cross-site"}),
        (desk.reader, fields, {"Sec_Fetch_Site": "same-site"}),
    ):
        refused = reader.post("/promise", sent, **headers)
        assert refused.status == 403
        assert "This form can't be sent" in refused.words
    assert desk.api.get("/actions")["total"] == 0
    assert desk.reader.post("/promise", fields, Sec_Fetch_Site="same-origin").status == 200
    assert desk.api.get("/actions")["total"] == 1


def test_only_forms_of_a_sensible_size_are_read(desk: Desk) -> None:
    page = desk.reader.selection(desk.ids["late"])
    fields = page.fields("/promise")
    kinds = {"Content_Type": "application/json"}
    assert desk.reader.post("/promise", fields, **kinds).status == 415
    assert desk.reader.post("/promise", [*fields, ("x", "y" * 300_000)]).status == 413
    assert desk.reader.post("/promise", [("x", "y")] * 3_000).status == 400
    assert desk.reader.post("/promise", [*fields, ("day", "2026-12-01\0")]).status == 400
    assert desk.reader.selection(*[f"{number}" for number in range(1_500)]).status == 400


def test_ended_links_show_whom_to_ask_and_nothing_else(desk: Desk) -> None:
    desk.settings(contactName="Ada", contactEmail="ada@example.com", contactPhone="+44 1")
    page = desk.reader.selection(desk.ids["late"])
    (link,) = desk.control("GET", "/portal/links?customer=external:C")["links"]
    assert desk.control("DELETE", f"/portal/links/{link['id']}")["revokedAt"] is not None
    expired = Reader(desk.api.post("/customers/external:C/portal", {"expiresIn": 60})["url"], "de")
    desk.control("POST", "/clock/advance", {"by": "61s"})
    for reader, said in ((desk.reader, "no longer in force"), (expired, "abgelaufen")):
        for path, (method, _) in PAGES.items():
            place = path.removeprefix("/portal/{token}").format(file="x", token="")
            got = (
                reader.get(place)
                if method == "GET"
                else reader.post(place, page.fields("/promise"))
            )
            assert got.status == 410
            assert said in got.words
            assert "Ada" in got.words
            assert "mailto:ada%40example.com" in got.text or "mailto:ada@example.com" in got.text
            assert "Nordwind" not in got.words
    uses = desk.control("GET", "/portal/links")["links"]
    assert {use["what"] for link in uses for use in link["uses"]} == {"revoked", "expired"}


def test_all_links_of_a_customer_are_revoked_at_once(desk: Desk) -> None:
    second = Reader(desk.api.post("/customers/external:C/portal", {})["url"])
    desk.control("DELETE", "/customers/external:C/portal")
    assert desk.reader.get().status == second.get().status == 410


def test_the_access_log_counts_uses_and_does_not_grow_by_reloading(desk: Desk) -> None:
    desk.settings(payments="on")
    for _ in range(3):
        desk.reader.get()
    page = desk.reader.selection(desk.ids["late"])
    desk.reader.post("/pay", page.fields("/pay"))
    desk.control("POST", "/clock/advance", {"by": "1h"})
    desk.reader.get("/history")
    (link,) = desk.control("GET", "/portal/links")["links"]
    assert [(use["day"], use["what"], use["total"]) for use in link["uses"]] == [
        ("2026-11-27", "history", 1),
        ("2026-11-27", "overview", 3),
        ("2026-11-27", "payment", 1),
    ]
    assert link["uses"][0]["lastAt"] == "2026-11-27T11:00:00.000Z"


def test_markup_in_any_text_is_text(desk: Desk) -> None:
    api = desk.api
    desk.control("POST", "/bank_accounts", {"name": MARKUP, "iban": "DE89370400440532013000"})
    desk.settings(name=MARKUP, contactName=MARKUP, contactEmail=MARKUP, contactPhone=MARKUP)
    desk.control("POST", "/portal/documents", {"name": MARKUP, "data": PDF})
    api.post("/customers", customer("C", name=MARKUP, accountingRef=MARKUP), status=200)
    api.post("/customers", customer("child", name=MARKUP), status=200)
    made = api.post("/invoices", invoice("m", "child", 5, customId=MARKUP, dueDate="2026-01-01"))
    api.post("/payments", payment("P", "C", 5, refNumber=MARKUP))
    page = desk.reader.selection(made["id"])
    wrong = desk.reader.post("/dispute", [*page.fields("/dispute"), ("comment", MARKUP)])
    searched = desk.reader.get("", [("q", MARKUP), ("from", MARKUP), ("day", MARKUP)])
    pages = (desk.reader.get(), page, wrong, searched, desk.reader.get("/history"))
    for got in (*pages, desk.reader.get("/statement", [("from", MARKUP), ("to", MARKUP)])):
        assert "<script>alert" not in got.text
        assert "<img" not in got.text
        assert MARKUP in got.words or got.url.endswith("/history")


def test_a_file_name_can_not_add_a_header(desk: Desk) -> None:
    name = 'x"\r\nSet-Cookie: a=b\r\n; ü.pdf'
    shared = desk.control("POST", "/portal/documents", {"name": name, "data": PDF})
    got = desk.reader.get(f"/files/{shared['id']}")
    assert got.status == 200
    assert got.body == b"%PDF-1.4 terms"
    assert "set-cookie" not in got.headers
    assert got.headers["content-disposition"].startswith('attachment; filename="x_Set-Cookie_ a=b_')
    desk.api.post("/customers", customer("C", name=name), status=200)
    period = [("from", "2026-01-01"), ("to", "2026-01-01"), ("format", "csv")]
    assert "set-cookie" not in desk.reader.get("/statement", period).headers


def test_only_pdfs_are_shared_and_a_shared_one_can_be_taken_back(desk: Desk) -> None:
    for data, said in (("%%%", "is not base64"), (base64.b64encode(b"MZ").decode(), "is no PDF")):
        with pytest.raises(Exception, match=said):
            desk.control("POST", "/portal/documents", {"name": "x", "data": data})
    shared = desk.control("POST", "/portal/documents", {"name": "Terms", "data": PDF})
    assert desk.control("GET", "/portal/documents")["documents"] == [shared]
    assert "Terms" in desk.reader.get().words
    desk.control("DELETE", f"/portal/documents/{shared['id']}")
    assert desk.reader.get(f"/files/{shared['id']}").status == 404


def test_no_parameter_leads_elsewhere(desk: Desk) -> None:
    page = desk.reader.selection(desk.ids["late"])
    for name in ("next", "back", "lang", "customer", "done"):
        got = desk.reader.get("", [(name, "https://evil.example/")])
        addresses = re.findall(r'(?:href|action|src)="([^"]*)"', got.text)
        assert [one for one in addresses if not re.match(r"[?#]|/(?!/)", one)] == []
    fields = [*page.fields("/promise"), ("day", "2026-12-01"), ("next", "//evil.example")]
    assert desk.reader.post("/promise", fields).url.startswith(desk.reader.link)


def test_every_page_is_framed_by_the_hosts_asked_for_only(desk: Desk) -> None:
    framed = desk.api.post("/customers/external:C/portal", {"frameAncestors": "app.example.com"})
    for reader, ancestors in ((desk.reader, "'none'"), (Reader(framed["url"]), "app.example.com")):
        for path in ("", "/history", "/selection?all=1", "/selection", "/statement"):
            got = reader.get(path)
            policy = got.headers["content-security-policy"]
            assert policy.endswith(f"; frame-ancestors {ancestors}"), path
            assert ("x-frame-options" in got.headers) == (ancestors == "'none'")
            assert got.headers["cache-control"] == "no-store"
            assert got.headers["referrer-policy"] == "no-referrer"


def test_settings_refuse_what_makes_no_sense(desk: Desk) -> None:
    for wrong in (
        {"colour": "red"}, {"payments": "maybe"}, {"name": ""}, {"unknown": 1},
        {"bankAccountId": "x"}, {"disputes": "often"}, {"contactEmail": "x" * 201},
    ):  # fmt: skip
        with pytest.raises(Exception, match=next(iter(wrong))):
            desk.settings(**wrong)
    desk.settings(name="Contoso", colour="#AA0000")
    assert 'href="/assets/brand-aa0000.css"' in desk.reader.get().text
    assert desk.settings(name=None)["name"] is None
    assert desk.control("GET", "/portal")["colour"] == "#AA0000"


def test_a_deleted_customer_leaves_nothing_of_the_portal(desk: Desk, running: RunningHub) -> None:
    page = desk.reader.selection(desk.ids["later"])
    desk.reader.post("/promise", [*page.fields("/promise"), ("day", "2026-12-01")])
    own = Reader(desk.api.post("/customers/external:child/portal", {})["url"])
    own.get()
    assert desk.api.call("DELETE", "/invoices/external:later").status == 204
    assert desk.api.call("DELETE", "/customers/external:child").status == 204
    assert own.get().status == 404
    assert len(desk.control("GET", "/portal/links")["links"]) == 1


def test_a_reset_and_a_snapshot_take_the_portal_with_them(desk: Desk) -> None:
    def there() -> tuple[Any, ...]:
        answers = desk.control("GET", "/portal/answers")["answers"]
        documents = desk.control("GET", "/portal/documents")["documents"]
        return desk.control("GET", "/portal")["name"], len(answers), len(documents)

    desk.settings(name="Contoso")
    desk.control("POST", "/portal/documents", {"name": "Terms", "data": PDF})
    page = desk.reader.selection(desk.ids["late"])
    desk.reader.post("/promise", [*page.fields("/promise"), ("day", "2026-12-01")])
    snapshot = desk.hub.call("POST", "/snapshots", {})["name"]
    assert there() == ("Contoso", 1, 1)
    desk.control("POST", "/reset")
    assert there() == (None, 0, 0)
    desk.hub.call("POST", f"/snapshots/{snapshot}/restore")
    assert there() == ("Contoso", 1, 1)
    assert desk.reader.get().status == 200
