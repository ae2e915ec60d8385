"""PDFs of invoices and credit notes: upload, signed links, what is removed."""

from __future__ import annotations

import base64
import concurrent.futures
import re
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest
from hub_api import Api, credit_note, customer, invoice

from headrace.server.pdf.upload import FORM_MAX, JSON_MAX, PDF_MAX
from headrace.testkit.hub import RunningHub, hub, hub_process, make_keys

ONE = b"%PDF-1.4\none\n%%EOF\n"
TWO = b"%PDF-1.4\ntwo \xff\x00\r\n--xyz\n%%EOF\n"


def form(
    content: bytes,
    name: str = 'name="file"; filename="any name.pdf"',
    header: str = "Content-Disposition",
    before: bytes = b"",
) -> tuple[bytes, dict[str, str]]:
    head = f"{header}: form-data; {name}\r\nContent-Type: application/pdf\r\n\r\n".encode()
    body = b"--xyz\r\n" + before + head + content + b"\r\n--xyz--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=xyz"}


def upload(api: Api, path: str, content: bytes, **how: Any) -> None:
    body, headers = form(content, **how)
    answer = api.call("POST", path, raw=body, headers=headers)
    assert (answer.status, answer.raw) == (204, b""), answer.raw


def fetch(url: str, method: str = "GET") -> tuple[int, bytes, dict[str, str]]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10) as got:
            return got.status, got.read(), {k.lower(): v for k, v in got.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, error.read(), {k.lower(): v for k, v in error.headers.items()}


def files(folder: Path) -> list[bytes]:
    try:
        return sorted(path.read_bytes() for path in (folder / "pdfs").rglob("*") if path.is_file())
    except FileNotFoundError:  # the hub cleans up while we look
        return files(folder)


def wait_for_files(folder: Path, *expected: bytes) -> None:
    """Wait until files are removed, which happens after the answer."""
    for _ in range(200):
        if files(folder) == sorted(expected):
            return
        time.sleep(0.02)
    assert files(folder) == sorted(expected)


@pytest.fixture
def own(tmp_path: Path) -> Any:
    """A hub for this test only, so that it has no other files."""
    with hub(folder=tmp_path) as running:
        api = Api(running.url, running.key, running.secret, "test")
        api.post("/customers", customer("C"))
        api.post("/invoices", invoice("A", "C", customId="INV/2015 1"))
        api.post("/credit_notes", credit_note("N", "C"))
        yield api
        api.close()


@pytest.mark.parametrize("path", ["/invoices/external:A", "/credit_notes/external:N"])
def test_an_upload_is_served_by_its_link_and_replaced_by_the_next(
    own: Api, tmp_path: Path, path: str
) -> None:
    before = own.get(path)
    assert before["pdfUrl"] is None
    upload(own, f"{path}/pdf", ONE)
    after = own.get(path)
    url = after["pdfUrl"]
    port = own._connection.port
    pattern = rf"http://127\.0\.0\.1:{port}/pdf/{before['id']}\?expires=\d+&signature=[\w-]{{43}}"
    assert re.fullmatch(pattern, url)
    same = {"pdfUrl": None, **({"modifiedAt": None} if "modifiedAt" in after else {})}
    assert {**after, **same} == {**before, **same}
    status, body, headers = fetch(url)
    assert (status, body) == (200, ONE)
    name = "INV_2015 1.pdf" if "invoices" in path else "No N.pdf"
    assert {
        "content-type": "application/pdf",
        "content-length": str(len(ONE)),
        "content-disposition": f'inline; filename="{name}"',
        "x-content-type-options": "nosniff",
        "cache-control": "private, max-age=300",
    }.items() <= headers.items()
    assert fetch(url, "HEAD")[:2] == (200, b"")
    data = base64.b64encode(TWO).decode()
    answer = own.call("POST", f"{path}/pdf", {"data": data})
    assert (answer.status, answer.raw) == (204, b"")
    assert fetch(url)[1] == TWO
    wait_for_files(tmp_path, TWO)
    assert own.call("POST", f"{path}/pdf", {"data": data}).status == 204
    assert files(tmp_path) == [TWO], "the same content again is the same file"
    assert own.call("DELETE", path).status == 204
    wait_for_files(tmp_path)
    assert fetch(url)[0] == 404


def test_equal_files_are_kept_once_and_as_long_as_anything_refers_to_them(
    own: Api, tmp_path: Path
) -> None:
    upload(own, "/invoices/external:A/pdf", ONE)
    upload(own, "/credit_notes/external:N/pdf", ONE)
    assert files(tmp_path) == [ONE]
    upload(own, "/invoices/external:A/pdf", TWO)
    time.sleep(0.1)
    assert files(tmp_path) == sorted([ONE, TWO])
    assert own.call("DELETE", "/credit_notes/external:N").status == 204
    wait_for_files(tmp_path, TWO)
    upload(own, "/invoices/external:A/pdf", ONE)
    wait_for_files(tmp_path, ONE)
    assert fetch(own.get("/invoices/external:A")["pdfUrl"])[1] == ONE


@pytest.mark.parametrize(
    "how",
    [
        {"name": 'name="file"'},
        {"name": 'filename="x.txt"; name="file"'},
        {"name": 'name=file; filename="ä\'.pdf"'},
        {"header": "content-disposition"},
        {"header": "CONTENT-DISPOSITION"},
        {
            "before": b'Content-Disposition: form-data; name="other"; filename="o"\r\n\r\n'
            b"%PDF-other\r\n--xyz\r\n"
        },
    ],
)
def test_forms_of_common_clients_are_accepted(api: Api, how: dict[str, Any]) -> None:
    api.post("/customers", customer("C"))
    api.post("/invoices", invoice("A", "C"))
    upload(api, "/invoices/external:A/pdf", TWO, **how)
    assert fetch(api.get("/invoices/external:A")["pdfUrl"])[1] == TWO


def test_base64_may_have_line_breaks_and_escapes(api: Api) -> None:
    api.post("/customers", customer("C"))
    api.post("/invoices", invoice("A", "C"))
    content = ONE + bytes(range(256)) * 9
    text = base64.encodebytes(content).decode().replace("\n", "\\r\\n").replace("/", "\\/")
    raw = b'{"data": "' + text.encode() + b'", "filename": "ignored"}'
    path = "/invoices/external:A/pdf"
    for kind in ("application/json", "APPLICATION/JSON; charset=utf-8", ""):
        assert api.call("POST", path, raw=raw, headers={"Content-Type": kind}).status == 204
    assert fetch(api.get("/invoices/external:A")["pdfUrl"])[1] == content


FORM = {"Content-Type": "multipart/form-data; boundary=xyz"}
REFUSED: list[tuple[bytes, dict[str, str], int, str]] = [
    (*form(b"plain text"), 400, "file: is not a PDF: none of its first 1,024 bytes begin %PDF-."),
    (*form(b" " * 1_020 + ONE), 400, "file: is not a PDF"),
    (*form(b""), 400, "file: is empty."),
    (*form(ONE, name='name="data"'), 400, "file: is required: the form has no field of that name."),
    (form(ONE)[0][:-8], FORM, 400, "The form breaks off before its closing boundary"),
    (b"junk", FORM, 400, "The body is no multipart/form-data: "),
    (b"", FORM, 400, "The form breaks off before its closing boundary"),
    (ONE, {"Content-Type": "multipart/form-data"}, 400, "The Content-Type has no boundary"),
    (ONE, {"Content-Type": "application/pdf"}, 415, "The content type application/pdf can't be"),
    (b"", {}, 400, "The body is empty: send the PDF in base64 as the field data."),
    (b"{", {}, 400, "The body is not valid JSON: "),
    (b"{}", {}, 400, "data: is required."),
    (b'{"data": 5}', {}, 400, "data: Expected `str`, got `int`."),
    (b'{"data": "JVBERi0xLjQ*"}', {}, 400, "data: is not valid base64: "),
    (b'{"data": "JVBERi0xLj"}', {}, 400, "data: is not valid base64: incorrect padding."),
    (b'{"data": ""}', {}, 400, "data: is empty."),
    (b'{"data": "aGVsbG8="}', {}, 400, "data: is not a PDF"),
]


@pytest.mark.parametrize(("body", "headers", "status", "start"), REFUSED)
def test_a_file_that_is_not_a_pdf_is_refused(
    api: Api, body: bytes, headers: dict[str, str], status: int, start: str
) -> None:
    api.post("/customers", customer("C"))
    made = api.post("/invoices", invoice("A", "C"))
    answer = api.call("POST", "/invoices/external:A/pdf", raw=body, headers=headers)
    assert (answer.status, answer.body["statusCode"]) == (status, status)
    assert answer.body["message"].startswith(start), answer.body
    assert api.get("/invoices/external:A") == made


def test_two_files_in_one_form_are_refused(api: Api) -> None:
    api.post("/customers", customer("C"))
    api.post("/invoices", invoice("A", "C"))
    before = b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n%PDF-a\r\n--xyz\r\n'
    body, headers = form(ONE, before=before)
    answer = api.call("POST", "/invoices/external:A/pdf", raw=body, headers=headers)
    assert answer.body["message"] == "file: is there more than once: a document has one PDF."


def test_unknown_documents_are_404_and_other_methods_405(api: Api) -> None:
    body, headers = form(ONE)
    for path in ("/invoices/external:A/pdf", "/credit_notes/external:N/pdf"):
        answer = api.call("POST", path, raw=body, headers=headers)
        assert answer.status == 404, answer.raw
        assert api.refused("GET", path, status=405) == (
            "GET is not served here: this path takes POST."
        )


def test_a_pdf_that_is_too_large_is_413(api: Api) -> None:
    api.post("/customers", customer("C"))
    api.post("/invoices", invoice("A", "C"))
    path = "/invoices/external:A/pdf"
    largest = ONE.ljust(PDF_MAX, b" ")
    upload(api, path, largest)
    assert len(fetch(api.get("/invoices/external:A")["pdfUrl"])[1]) == PDF_MAX
    body, headers = form(largest + b" ")
    answer = api.call("POST", path, raw=body, headers=headers)
    assert (answer.status, answer.body["message"]) == (
        413,
        "The PDF has 25,000,001 bytes: at most 25,000,000 are taken.",
    )
    for raw, headers in ((form(b" " * FORM_MAX)), (b" " * (JSON_MAX + 1), {})):
        answer = api.call("POST", path, raw=raw, headers=headers)
        assert answer.status == 413
        assert answer.body["message"].startswith("The body is larger than ")


def test_a_link_is_valid_for_one_document_time_and_host(api: Api, running: RunningHub) -> None:
    api.post("/customers", customer("C"))
    for name in "AB":
        api.post("/invoices", invoice(name, "C"))
        upload(api, f"/invoices/external:{name}/pdf", ONE + name.encode())
    one, two = (api.get(f"/invoices/external:{name}")["pdfUrl"] for name in "AB")
    forged = one.replace(one.split("/pdf/")[1][:36], two.split("/pdf/")[1][:36])
    later = re.sub(r"expires=(\d+)", lambda m: f"expires={int(m[1]) + 3600}", one)
    sentence = "This link is not one that the hub gave out: read the document again for its pdfUrl."
    for url in (
        forged,
        later,
        one[:-1],
        one.partition("?")[0],
        one.replace("expires=", "x="),
        one.replace("/pdf/", "/pdf/%00"),
    ):
        status, body, headers = fetch(url)
        assert status == 403, url
        assert sentence.encode() in body
        assert headers["cache-control"] == "no-store"
    assert fetch(one.replace("/pdf/", "/pdf/x"))[0] == 404
    for host, proto, start in (
        ("hub.example.com", "https", "https://hub.example.com/pdf/"),
        ("hub.example.com:8443", "", "http://hub.example.com:8443/pdf/"),
        ("evil.com/?", "", "http://127.0.0.1:"),
    ):
        headers = {"Host": host, "X-Forwarded-Proto": proto}
        answer = api.call("GET", "/invoices/external:A", headers=headers)
        assert answer.body["pdfUrl"].startswith(start)


def test_many_large_uploads_at_once_are_not_held_in_memory(tmp_path: Path) -> None:
    with hub_process(tmp_path / "data") as process:
        pair = make_keys(tmp_path / "data", "one")
        apis = [Api(process.url, pair.key, pair.secret, "one") for _ in range(6)]
        apis[0].post("/customers", customer("C"))
        apis[0].post("/invoices", invoice("A", "C"))
        path = "/invoices/external:A/pdf"
        upload(apis[0], path, ONE)
        before = psutil.Process(process.pid).memory_info().rss
        peak = before

        def send(n: int) -> None:
            upload(apis[n], path, ONE.ljust(20_000_000, b"%d" % n))

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            sent = [pool.submit(send, n) for n in range(6)]
            while not all(job.done() for job in sent):
                peak = max(peak, psutil.Process(process.pid).memory_info().rss)
                time.sleep(0.005)
            for job in sent:
                job.result()
        assert peak - before < 40_000_000, f"{(peak - before) / 1e6:.0f} MB for 120 MB of uploads"
        wait_for_files(tmp_path / "data", fetch(apis[0].get("/invoices/external:A")["pdfUrl"])[1])
        for api in apis:
            api.close()
