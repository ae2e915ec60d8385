"""PDFs in object stores: those that `documents` names are delivered, their neighbours not."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import fsspec
import pytest
from desk import HubDesk
from moto.server import ThreadedMotoServer
from shop import Shop

from headrace.testkit.billing.pdf import small_pdf


@contextmanager
def _bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket in an S3 server on this machine, with the variables set that S3 clients read."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ("AWS_ACCESS_KEY_ID", "k"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_MAX_ATTEMPTS", "1"),
    ):
        monkeypatch.setenv(name, value)
    bucket = boto3.resource("s3", endpoint_url=f"http://{host}:{port}").Bucket("bills")
    bucket.create()
    yield bucket
    server.stop()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with _bucket(monkeypatch) as made:
        yield made


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop")
    shop.customer("C")
    shop.run("create table documents (entity text, external_id text, location text, etag text)")
    yield shop
    shop.close()


def _add(shop: Shop, name: str, location: str) -> None:
    shop.invoice(name, "C", 100)
    shop.run("insert into documents values ('invoice', ?, ?, 'v1')", name, location)


def _allow(shop: Shop, place: str) -> None:
    with (shop.folder / "headrace.toml").open("a") as file:
        file.write(f'documents = ["{place}"]\n')


def _stored(desk: HubDesk, name: str) -> bytes:
    with urllib.request.urlopen(desk.get(f"/invoices/external:{name}")["pdfUrl"]) as answer:
        content: bytes = answer.read()
    return content


def test_a_pdf_in_a_named_bucket_is_delivered(
    shop: Shop, bucket: Any, new_desk: Callable[[Path], HubDesk]
) -> None:
    bucket.put_object(Key="2026/one.pdf", Body=small_pdf("one"))
    bucket.put_object(Key="secret/two.pdf", Body=small_pdf("two"))
    _allow(shop, "s3://bills/2026")
    _add(shop, "I1", "s3://bills/2026/one.pdf")
    _add(shop, "I2", "s3://bills/secret/two.pdf")
    _add(shop, "I3", "s3://bills/2026/gone.pdf")
    _add(shop, "I4", "s3://bills/2026/../secret/two.pdf")
    desk = new_desk(shop.folder)
    plan, outcome = desk.apply()
    assert _stored(desk, "I1") == small_pdf("one")
    assert {problem.external_id for problem in plan.problems} == {"I2", "I4"}
    (failed,) = outcome.failed
    assert failed.startswith("invoice_pdf I3 at s3://bills/2026/gone.pdf: ")
    assert desk.plan().requests == 1
    bucket.put_object(Key="2026/gone.pdf", Body=small_pdf("three"))
    assert desk.apply()[1].sent == 1
    assert _stored(desk, "I3") == small_pdf("three")


def test_a_bucket_that_moved_to_another_server_is_read_there_by_the_same_process(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, new_desk: Callable[[Path], HubDesk]
) -> None:
    _allow(shop, "s3://bills")
    desk = new_desk(shop.folder)
    for name in ("I1", "I2"):
        with _bucket(monkeypatch) as bucket:
            bucket.put_object(Key=f"{name}.pdf", Body=small_pdf(name))
            _add(shop, name, f"s3://bills/{name}.pdf")
            assert desk.apply()[1].failed == []
            assert _stored(desk, name) == small_pdf(name)


def test_a_scheme_that_has_no_hosts_is_named_by_itself(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/bills/one.pdf", small_pdf("one"))
    _allow(shop, "memory://bills")
    _add(shop, "I1", "memory://bills/one.pdf")
    _add(shop, "I2", "memory://other/one.pdf")
    desk = new_desk(shop.folder)
    plan, outcome = desk.apply()
    assert [problem.external_id for problem in plan.problems] == ["I2"]
    assert outcome.failed == []
    assert _stored(desk, "I1") == small_pdf("one")
    memory.rm("/bills", recursive=True)
