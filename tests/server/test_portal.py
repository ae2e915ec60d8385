"""The customer's page: its link, its contents, and its restrictions."""

from __future__ import annotations

import base64
import html
import itertools
import re
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

from administration import NOW, Administration
from hub_api import Api, credit_note, customer, invoice, payment, to_invoice

from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.collection import PortalRequest
from headrace.portal.page import PAGES
from headrace.store.context import Context
from headrace.store.engine.place import transactions
from headrace.store.records.organisations import organisation_by_seq
from headrace.store.records.portal_links import make_portal_link, revoke_portal_links
from headrace.store.records.references import Address
from headrace.testkit.hub import RunningHub

PORTAL = "/customers/external:C/portal"


def fetch(
    url: str, language: str = "en", accept: str = "*/*", data: bytes | None = None
) -> tuple[int, str, dict[str, str]]:
    headers = {"Accept-Language": language, "Accept": accept}
    request = urllib.request.Request(url, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as got:
            return got.status, got.read().decode(), {k.lower(): v for k, v in got.headers.items()}
    except urllib.error.HTTPError as error:
        headers = {k.lower(): v for k, v in error.headers.items()}
        return error.code, error.read().decode(), headers


def words(page: str) -> str:
    """Return the visible text of a page in one line."""
    body = re.sub(r"<[^>]+>", " ", page)
    return " ".join(body.split())


def test_the_page_lists_what_is_owed(api: Api) -> None:
    api.post("/customers", customer("C", name="Café <script>alert(1)</script> & Söhne"))
    api.post("/customers", customer("child", name="Child", parent={"externalId": "C"}))
    api.post("/invoices", invoice("late", "child", 123456, dueDate="2016-01-31"))
    api.post("/invoices", invoice("<b>due</b>", "C", 30000))
    api.post("/invoices", invoice("paid", "C", 50))
    api.post("/invoices", invoice("yen", "C", 7000, currency="JPY"))
    links = [to_invoice("paid", 50)]
    api.post("/payments", payment("P", "C", 100, refNumber="Ref 42", linkedInvoices=links))
    api.post("/credit_notes", credit_note("N", "C", 20))
    form = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n%PDF-1\r\n--b--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    assert api.call("POST", "/invoices/external:late/pdf", raw=form, headers=kind).status == 204
    link = api.post(PORTAL, {})
    assert set(link) == {"url"}
    origin = f"http://127.0.0.1:{api._connection.port}"
    assert re.fullmatch(rf"{origin}/portal/[\w-]+", link["url"])
    status, page, headers = fetch(link["url"])
    assert status == 200
    said = words(page)
    for text in (
        "Due later €300.00 Not applied €0.70 Outstanding €1,533.86",
        "Due now ¥0 Overdue ¥0 Due later ¥7,000 Not applied ¥0 Outstanding ¥7,000",
        "No late Child May 5, 2015 Jan 31, 2016",
        "€1,234.56 €1,234.56 Overdue PDF",
        "Ref 42 Payment Feb 3, 2016 €1.00 €0.50",
        "No N Credit note €0.20 €0.20",
        "No paid Invoice May 5, 2015 €0.50 €0.00",
        "Café &lt;script&gt;alert(1)&lt;/script&gt; &amp; Söhne",
        "No &lt;b&gt;due&lt;/b&gt;",
    ):
        assert text in said, said
    assert "<script>" not in page
    (pdf,) = re.findall(r'href="(/pdf/[^"]+)"', page)
    with urllib.request.urlopen(origin + pdf.replace("&amp;", "&"), timeout=10) as got:
        assert got.read() == b"%PDF-1"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self';")
    assert policy.endswith("base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
    assert {
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex, nofollow",
        "x-frame-options": "DENY",
        "cache-control": "no-store",
        "content-type": "text/html; charset=utf-8",
    }.items() <= headers.items()
    assert "1.234,56" in fetch(link["url"], "de-AT,en;q=0.5")[1]


def test_the_page_of_a_customer_that_owes_nothing_says_so(api: Api) -> None:
    api.post("/customers", customer("C"))
    assert "Nothing is open" in words(fetch(api.post(PORTAL, None)["url"])[1])


def test_only_allowed_origins_may_frame_the_page(api: Api) -> None:
    api.post("/customers", customer("C"))
    hosts = "app.example.com  https://*.example.org:8443 localhost:3000"
    url = api.post(PORTAL, {"frameAncestors": hosts, "expiresIn": "60"})["url"]
    _, _, headers = fetch(url)
    assert headers["content-security-policy"].endswith(
        "; frame-ancestors app.example.com https://*.example.org:8443 localhost:3000"
    )
    assert "x-frame-options" not in headers
    for bad in ("a.com; script-src *", "a.com,b.com", "'self'", "*", "https://a.com/path", "a_b.c"):
        assert api.refused("POST", PORTAL, {"frameAncestors": bad}).startswith("frameAncestors: ")
    for empty in ("", " ", None):
        url = api.post(PORTAL, {"frameAncestors": empty})["url"]
        assert fetch(url)[2]["content-security-policy"].endswith("frame-ancestors 'none'")


def test_a_link_is_valid_for_its_lifetime(running: RunningHub, api: Api) -> None:
    api.post("/customers", customer("C"))
    for bad in (0, -1, "x", 1.5, None):
        assert api.refused("POST", PORTAL, {"expiresIn": bad}).startswith("expiresIn: ")
    for long in (25 * 86_400, 10**18):
        assert fetch(api.post(PORTAL, {"expiresIn": long})["url"])[0] == 200
    admin = Administration(running, api)

    def made_before(db: Any, organisation: int, ago: timedelta, seconds: int) -> str:
        context = Context(organisation_by_seq(db, organisation), NOW - ago)
        request = PortalRequest(expires_in=seconds)
        return make_portal_link(db, context, Address(external_id="C"), request)[1]

    old = admin.run(made_before, timedelta(days=3650), 86_400)
    status, page, headers = fetch(f"{running.url.removesuffix('/v1')}/portal/{old}")
    assert status == 410
    assert "This link has expired Please ask for a new one." in words(page)
    assert headers["content-security-policy"].endswith("frame-ancestors 'none'")


def test_pdfs_of_a_page_can_be_read_as_long_as_the_page(running: RunningHub, api: Api) -> None:
    api.post("/customers", customer("C"))
    api.post("/invoices", invoice("A", "C", 1000))
    data = base64.b64encode(b"%PDF-1.7 bill").decode()
    assert api.call("POST", "/invoices/external:A/pdf", {"data": data}).status == 204
    for seconds in (600, 30 * 86_400):
        page = fetch(api.post(PORTAL, {"expiresIn": seconds})["url"])[1]
        link = re.search(r'href="(/pdf/[^"]+)"', page)
        assert link is not None
        until = int(html.unescape(link[1]).partition("expires=")[2].partition("&")[0])
        assert abs(until - (SYSTEM_CLOCK.now().timestamp() + seconds)) < 60
        path = html.unescape(link[1])
        assert fetch(running.url.removesuffix("/v1") + path)[0] == 200
        late = running.url.removesuffix("/v1") + re.sub(r"expires=\d+", "expires=1", path)
        status, page, headers = fetch(late, accept="text/html")
        assert (status, headers["content-type"]) == (403, "text/html; charset=utf-8")
        assert "This link is no longer valid" in words(page)
        assert "ask whoever sent it to you for a new link" in words(page)
        for language, said in (("fr", "plus valable"), ("de", "gilt nicht"), ("es", "ya no es")):
            page = fetch(late, language, "text/html")[1]
            assert f'<html lang="{language}">' in page
            assert said in words(page)


def test_all_links_can_be_revoked_together(running: RunningHub, api: Api) -> None:
    api.post("/customers", customer("C"))
    urls = [api.post(PORTAL, {})["url"] for _ in range(2)]
    admin = Administration(running, api)

    def revoke(db: Any, organisation: int) -> int:
        context = Context(organisation_by_seq(db, organisation), NOW)
        return revoke_portal_links(db, context, Address(external_id="C"))

    assert admin.run(revoke) == 2
    assert admin.run(revoke) == 0
    for url in urls:
        status, page, _ = fetch(url)
        assert status == 410
        assert "no longer in force" in words(page)
    assert fetch(api.post(PORTAL, {})["url"])[0] == 200


def test_invalid_tokens_are_refused(running: RunningHub, api: Api) -> None:
    api.post("/customers", customer("C"))
    url = api.post(PORTAL, {})["url"]
    head, token = url.rsplit("/", 1)
    assert "=" not in token, "mail programs leave it out of links"
    data = base64.urlsafe_b64decode(token + "==")
    forged = base64.urlsafe_b64encode(data[:16] + bytes(len(data) - 16)).decode()
    unknown = base64.urlsafe_b64encode(bytes(16) + data[16:]).decode()
    wrong = (forged, unknown, token[:-4], "x", "%FF", "a" * 5_000, token + "AAAA")
    for bad, (path, (method, _)) in itertools.product(wrong, PAGES.items()):
        address = head.removesuffix("/portal") + path.format(token=bad, file="x")
        data = None if method == "GET" else b"proof=x"
        status, page, _ = fetch(address, data=data)
        assert status == 404, (bad, path)
        assert "This link is not known here" in words(page)
    with transactions(running.place) as transact:
        rows = transact(lambda db: db.execute("SELECT token_hash FROM portal_link").fetchall())
    assert token not in {row[0] for row in rows}, "the token itself is kept nowhere"
    assert api.call("DELETE", "/customers/external:C").status == 204
    assert fetch(url)[0] == 404


def test_portal_links_are_created_for_own_customers_by_post_only(api: Api, new_api: Any) -> None:
    assert api.refused("POST", PORTAL, {}, status=404) == "There is no customer with externalId C."
    assert api.refused("GET", PORTAL, status=405)
    assert api.refused("POST", "/customers/external:C/portalUrl", {}, status=404)
    made = api.post("/customers", customer("C"))
    assert new_api().refused("POST", f"/customers/{made['id']}/portal", {}, status=404)
