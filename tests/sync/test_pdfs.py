"""PDFs of invoices and credit notes: from files, columns and addresses, behind their documents."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from desk import HubDesk, apply_in_step, prove_in_step, sent
from shop import Shop

from headrace.testkit.billing.pdf import small_pdf


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop")
    shop.run(
        "create table documents (entity text, external_id text, location text, etag text, "
        "content blob)"
    )
    shop.customer("C")
    shop.invoice("I1", "C", 100)
    shop.invoice("I2", "C", 100, day="2026-06-01")
    yield shop
    shop.close()


def _settle(shop: Shop) -> None:
    """Settles the first invoice by a credit note and a payment."""
    shop.credit_note("N1", "C", 40, {"I1": 40})
    shop.payment("P1", "C", 60, {"I1": 60})


def _add(shop: Shop, entity: str, name: str, location: str | None, **more: object) -> None:
    columns = {"entity": entity, "external_id": name, "location": location, **more}
    marks = ", ".join("?" * len(columns))
    shop.run(f"insert into documents ({', '.join(columns)}) values ({marks})", *columns.values())


def _file(shop: Shop, name: str, text: str) -> Path:
    path = shop.folder / name
    path.write_bytes(small_pdf(text))
    return path


def _stored(desk: HubDesk, path: str) -> bytes | None:
    url = desk.get(path)["pdfUrl"]
    if url is None:
        return None
    with urllib.request.urlopen(url) as answer:
        content: bytes = answer.read()
    return content


def test_pdfs_follow_their_documents_and_what_settles_them(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    _settle(shop)
    _file(shop, "one.pdf", "one")
    _add(shop, "invoice", "I1", "one.pdf")
    _add(shop, "credit_note", "N1", None, content=small_pdf("note"))
    plan, outcome, _ = apply_in_step(desk)
    assert plan.requests == outcome.sent == 7
    assert [f"{w.method} {w.path}" for w in desk.writes()] == [
        "POST /v1/customers",
        "POST /v1/invoices",  # the open one
        "POST /v1/invoices",
        "POST /v1/credit_notes",
        "POST /v1/payments",
        "POST /v1/credit_notes/external:N1/pdf",
        "POST /v1/invoices/external:I1/pdf",
    ]
    assert _stored(desk, "/invoices/external:I1") == small_pdf("one")
    assert _stored(desk, "/credit_notes/external:N1") == small_pdf("note")
    assert _stored(desk, "/invoices/external:I2") is None


def test_a_pdf_is_sent_again_when_its_content_or_etag_changed(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    path = _file(shop, "one.pdf", "one")
    _add(shop, "invoice", "I1", str(path))
    _add(shop, "invoice", "I2", _file(shop, "two.pdf", "two").as_uri(), etag="v1")
    desk.apply()
    # Touched, not changed: nothing is sent.
    path.write_bytes(small_pdf("one"))
    prove_in_step(desk)
    path.write_bytes(small_pdf("one, better"))
    # Without a new etag nobody looks into the second one.
    _file(shop, "two.pdf", "two, better")
    before = len(desk.writes())
    plan, _ = desk.apply()
    assert plan.requests == len(desk.writes(before)) == 1
    assert _stored(desk, "/invoices/external:I1") == small_pdf("one, better")
    assert _stored(desk, "/invoices/external:I2") == small_pdf("two")
    shop.run("update documents set etag = 'v2' where external_id = 'I2'")
    apply_in_step(desk)
    assert _stored(desk, "/invoices/external:I2") == small_pdf("two, better")


def test_what_is_wrong_with_a_pdf_is_its_own_problem(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    _settle(shop)
    _add(shop, "invoice", "I1", "nowhere.pdf")
    _add(shop, "credit_note", "N1", None)
    _add(shop, "invoice", "I9", None, content=b"%PDF-1.4")
    _add(shop, "payment", "P1", "nowhere.pdf")
    (shop.folder / "text.pdf").write_text("I am no PDF")
    _add(shop, "invoice", "I2", "text.pdf")
    plan, outcome = desk.apply()
    assert {f"{p.entity} {p.external_id} {p.problem}" for p in plan.problems} == {
        "invoice_pdf I1 lies at nowhere.pdf, where there is no file",
        "credit_note_pdf N1 has neither location nor content",
        "invoice_pdf I9 belongs to invoice I9, which is not there",
        "payment_pdf P1 is of the entity payment, which has no PDFs",
    }
    assert (outcome.sent, outcome.rejected) == (5, 1)
    (reject,) = json.loads(desk.command("rejects", "list", "--json").stdout)
    assert [reject[name] for name in ("entity", "external_id", "status")] == [
        *("invoice_pdf", "I2", 400)
    ]
    shop.run("delete from documents where external_id in ('I9', 'P1', 'N1')")
    _file(shop, "nowhere.pdf", "here")
    _file(shop, "text.pdf", "a PDF now")
    _, outcome, _ = apply_in_step(desk)
    assert (outcome.sent, outcome.rejected) == (2, 0)


def test_a_pdf_that_left_the_source_is_forgotten_and_comes_back(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    _file(shop, "two.pdf", "two")
    _add(shop, "invoice", "I2", "two.pdf")
    desk.apply()
    shop.run("delete from documents")
    shop.drop("invoices", "I2")
    before = len(desk.writes())
    desk.apply()
    assert sent(desk.writes(before)) == {("invoice", "I2"): 1}
    shop.invoice("I2", "C", 100)
    _add(shop, "invoice", "I2", "two.pdf")
    _, outcome, _ = apply_in_step(desk)
    assert outcome.sent == 2
    assert _stored(desk, "/invoices/external:I2") == small_pdf("two")


def _allow(shop: Shop, *places: str) -> None:
    """Names the places in the project's `documents`."""
    with (shop.folder / "headrace.toml").open("a", encoding="utf-8") as file:
        file.write(f"documents = {json.dumps(places)}\n")


class _Web(http.server.SimpleHTTPRequestHandler):
    """A folder, and addresses that misbehave."""

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", urllib.parse.unquote(self.path.removeprefix("/to/")))
            self.end_headers()
        elif self.path == "/endless.pdf":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(bytes(1 << 16))
        else:
            super().do_GET()

    def log_message(self, *given: object) -> None:
        pass


@pytest.fixture
def files(tmp_path: Path) -> Iterator[str]:
    """A web server over a folder; gives its address."""
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "one.pdf").write_bytes(small_pdf("one"))

    class Web(_Web):
        def __init__(self, *given: object) -> None:
            super().__init__(*given, directory=str(folder))  # type: ignore[arg-type]

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_pdfs_from_addresses(shop: Shop, files: str, new_desk: Callable[[Path], HubDesk]) -> None:
    _allow(shop, files)
    desk = new_desk(shop.folder)
    _add(shop, "invoice", "I1", f"{files}/one.pdf")
    _add(shop, "invoice", "I2", f"{files}/two.pdf")
    plan, outcome, left = desk.apply_and_look()
    assert (plan.requests, outcome.sent, outcome.held) == (5, 4, 1)
    assert outcome.failed == [f"invoice_pdf I2 at {files}/two.pdf: status 404 File not found"]
    assert _stored(desk, "/invoices/external:I1") == small_pdf("one")
    assert left.requests == 1


def test_a_pdf_outside_the_named_places_is_a_problem_and_nobody_looks_there(
    shop: Shop, files: str, tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    outside = tmp_path / "outside.pdf"
    outside.write_bytes(small_pdf("outside"))
    desk = new_desk(shop.folder)
    locations = {
        f"J{number}": location
        for number, location in enumerate(
            (
                "/etc/passwd",
                "/proc/self/environ",
                "../outside.pdf",
                f"{shop.folder}/../outside.pdf",
                outside.as_uri(),
                f"{files}/one.pdf",
                "s3://bucket/one.pdf",
                "local:///etc/passwd",
                f"simplecache::{files}/one.pdf",
                "HTTP://169.254.169.254/latest/meta-data",
                "file://[shop/one.pdf",
                "https://[::/one.pdf",
            )
        )
    }
    for name, location in locations.items():
        shop.invoice(name, "C", 100)
        _add(shop, "invoice", name, location, etag="v1")
    plan, outcome = desk.apply()
    problems = {problem.external_id: problem for problem in plan.problems}
    assert len(plan.problems) == len(problems) and problems.keys() == locations.keys()
    for name, location in locations.items():
        why = "in no place that `documents` names"
        if "::" in location or "[" in location:
            why = "which is no plain address"
        assert problems[name].problem == f"lies at {location}, {why}"
        remedy = problems[name].remedy
        assert "name its folder, host or bucket in `documents`" in remedy, location
    assert (plan.requests, outcome.sent, outcome.held) == (15, 15, 0)
    shop.run("delete from documents")
    _add(shop, "invoice", "I1", "../outside.pdf")
    _allow(shop, "..")
    assert desk.apply()[1].sent == 1
    assert _stored(desk, "/invoices/external:I1") == small_pdf("outside")


def test_what_only_opening_shows_is_that_pdfs_problem(
    shop: Shop, files: str, new_desk: Callable[[Path], HubDesk]
) -> None:
    (shop.folder / "link.pdf").symlink_to("/etc/passwd")
    (shop.folder / "folder").symlink_to("/etc")
    (shop.folder / "inside.pdf").symlink_to(_file(shop, "one.pdf", "one"))
    os.mkfifo(shop.folder / "fifo.pdf")
    port = urllib.parse.urlsplit(files).port
    named = f"http://localhost.test:{port}"
    _allow(shop, files, named, "/proc", "/dev")
    _add(shop, "invoice", "I1", "inside.pdf")
    unreadable = {
        "link.pdf": "it leads to a file in no place that `documents` names",
        "folder/passwd": "it leads to a file in no place that `documents` names",
        "fifo.pdf": "it is no regular file",
        "/dev/zero": "it is no regular file",
        "/proc/self/environ": "it changes while it is read",
        f"{files}/to/http%3A%2F%2Flocalhost%3A{port}%2Fone.pdf": "it redirects to localhost, which "
        "`documents` does not name",
        f"{files}/to/file%3A%2F%2F%2Fetc%2Fpasswd": "it redirects to elsewhere, which `documents` "
        "does not name",
        f"{files}/to/one.pdf": "it redirects more than 5 times",
        f"{files}/endless.pdf": "it has more than 100,000,000 bytes",
    }
    for number, location in enumerate(unreadable):
        shop.invoice(f"U{number}", "C", 100)
        _add(shop, "invoice", f"U{number}", location, etag="v1")
    desk = new_desk(shop.folder)
    started = time.monotonic()
    _, outcome = desk.apply()
    assert time.monotonic() - started < 30
    assert sorted(outcome.failed) == sorted(
        f"invoice_pdf U{number} at {location}: {why}"
        for number, (location, why) in enumerate(unreadable.items())
    )
    assert _stored(desk, "/invoices/external:I1") == small_pdf("one")


def test_sigterm_ends_a_run_while_a_pdf_is_not_coming(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    asked = threading.Event()

    class Silent(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            self.rfile.read()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        _allow(shop, address)
        _add(shop, "invoice", "I1", f"{address}/never.pdf")
        running = new_desk(shop.folder).start("run", "--once")
        assert asked.wait(60)
        running.process.send_signal(signal.SIGTERM)
        assert running.communicated(30).returncode in (0, 3, 4, 5, 130)
    finally:
        server.shutdown()
        server.server_close()
