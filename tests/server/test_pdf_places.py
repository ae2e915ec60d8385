"""The storage of PDFs: a folder elsewhere, and S3, with a real S3 server on this machine."""

from __future__ import annotations

import io
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from hub_api import Api, customer, invoice
from moto.server import ThreadedMotoServer

from headrace.model.errors import ConfigurationError
from headrace.store.pdf_files import FolderPdfs, open_pdfs
from headrace.testkit.hub import HubProcess, hub_process, make_keys

BUCKET = "receivables"
NAME = "ab/abcdef-1.pdf"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The endpoint of an S3 server."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty bucket, with the environment variables of S3 clients."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    made = boto3.resource("s3", endpoint_url=s3).Bucket(BUCKET)
    made.create()
    yield made
    made.objects.delete()


def keys_in(bucket: Any) -> list[str]:
    return [entry.key for entry in bucket.objects.all()]


def send(api: Api, content: bytes) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    path = "/invoices/external:A/pdf"
    answer = api.call("POST", path, raw=head + content + b"\r\n--b--\r\n", headers=headers)
    assert answer.status == 204, answer.raw


def served(api: Api) -> bytes:
    url = api.get("/invoices/external:A")["pdfUrl"]
    with urllib.request.urlopen(url, timeout=10) as got:
        return bytes(got.read())


def api_of(process: HubProcess) -> Api:
    pair = make_keys(process.data, "one")
    api = Api(process.url, pair.key, pair.secret, "one")
    api.post("/customers", customer("C"))
    api.post("/invoices", invoice("A", "C"))
    return api


def test_a_hub_keeps_its_pdfs_in_s3(tmp_path: Path, bucket: Any) -> None:
    first, second = b"%PDF-1" + b"x" * 3_000_000, b"%PDF-2"
    options = ["--pdfs", f"s3://{BUCKET}/pdfs/"]
    with hub_process(tmp_path / "data", options=options) as process:
        api = api_of(process)
        send(api, first)
        (key,) = keys_in(bucket)
        assert key.startswith("pdfs/")
        assert served(api) == first
        snapshot = process.snapshot()
        send(api, second)
        assert served(api) == second
        for _ in range(100):
            if len(keys_in(bucket)) == 1:
                break
            time.sleep(0.02)
        (left,) = keys_in(bucket)
        assert left != key
        process.restore(snapshot)
        assert served(api) == first
        api.close()
    assert not (tmp_path / "data" / "pdfs").exists()


def test_a_hub_keeps_its_pdfs_in_another_folder(tmp_path: Path) -> None:
    with hub_process(tmp_path / "data", options=["--pdfs", str(tmp_path / "else")]) as process:
        api = api_of(process)
        send(api, b"%PDF-1")
        assert served(api) == b"%PDF-1"
        (path,) = (path for path in (tmp_path / "else").rglob("*") if path.is_file())
        assert path.read_bytes() == b"%PDF-1"
        path.unlink()
        url = api.get("/invoices/external:A")["pdfUrl"]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(url, timeout=10)
        api.close()


def test_a_killed_hub_removes_what_is_left_when_it_starts_again(tmp_path: Path) -> None:
    with hub_process(tmp_path / "data") as process:
        api = api_of(process)
        send(api, b"%PDF-1")
        (before,) = (tmp_path / "data" / "pdfs").rglob("*.pdf")
        # A folder that can't be written: the file that is replaced can't be removed yet.
        keeper = before.parent / "kept"
        keeper.mkdir()
        before.rename(keeper / before.name)
        before.mkdir()
        send(api, b"%PDF-2")
        process.kill()
        before.rmdir()
        (keeper / before.name).rename(before)
        process.start()
        for _ in range(100):
            if not before.exists():
                break
            time.sleep(0.02)
        assert not before.exists()
        api.close()


@pytest.mark.parametrize("address", ["folder", "memory://pdfs", f"s3://{BUCKET}"])
def test_every_kind_of_storage_writes_reads_and_removes(
    tmp_path: Path, bucket: Any, address: str
) -> None:
    files = open_pdfs(str(tmp_path / address) if address == "folder" else address, tmp_path)
    files.remove(NAME)
    with pytest.raises(FileNotFoundError):
        files.open(NAME).read()
    for content in (b"one", b"two" * 1_000_000):
        source = io.BytesIO(content)
        source.seek(2)
        files.write(NAME, source)
        with files.open(NAME) as file:
            assert file.read() == content
    files.remove(NAME)
    files.remove(NAME)
    with pytest.raises(FileNotFoundError):
        files.open(NAME).read()


def test_invalid_addresses_are_refused(tmp_path: Path) -> None:
    assert isinstance(open_pdfs(None, tmp_path), FolderPdfs)
    with pytest.raises(ConfigurationError, match="--pdfs nonsense://x can't be used: "):
        open_pdfs("nonsense://x", tmp_path)
