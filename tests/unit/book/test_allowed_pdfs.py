"""Where PDFs may lie: addresses as text and as connections, folders with links in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace.book.payloads.pdf_places import PdfPlaces
from headrace.model.errors import ConfigurationError
from headrace.model.project_file import parse_project

_WEB = ("https://files.example.com", "https://other.example/below", "s3://bucket/pdfs")


@pytest.mark.parametrize(
    "location",
    [
        "https://files.example.com/a/b.pdf?signed=1",
        "HTTPS://FILES.example.com:443/x",
        "https://user:word@files.example.com/x",
        "https://other.example/below/x.pdf",
        "s3://bucket/pdfs/2026/x.pdf",
        "sub/x.pdf",
        "sub/../x.pdf",
    ],
)
def test_what_lies_in_a_named_place_is_allowed(tmp_path: Path, location: str) -> None:
    assert PdfPlaces(tmp_path, _WEB).objection(location) is None


@pytest.mark.parametrize(
    "location",
    [
        "http://files.example.com/x",
        "https://files.example.com:8443/x",
        "https://files.example.com.evil.test/x",
        "https://files.example.com@evil.test/x",
        "https://evil.test/?https://files.example.com",
        "https://other.example/belowing/x.pdf",
        "https://other.example/below/../secret.pdf",
        "https://other.example/below/%2e%2e/secret.pdf",
        "https://other.example/below/..\\secret.pdf",
        "s3://bucket/other/x.pdf",
        "s3://bucket2/pdfs/x.pdf",
        "s3a://bucket/pdfs/x.pdf",
        "zip://x.pdf::https://files.example.com/x.zip",
        "https://[bad",
        "https://files.example.com:99999/x",
        "../x.pdf",
        "/etc/passwd",
        "a\0b",
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
    ],
)
def test_what_lies_elsewhere_is_refused(tmp_path: Path, location: str) -> None:
    assert PdfPlaces(tmp_path, _WEB).objection(location) is not None


@pytest.mark.parametrize(
    ("documents", "host", "address", "admitted"),
    [
        ((), "files.example.com", "93.184.216.34", True),
        ((), "files.example.com", "2606:2800:220:1::1", True),
        ((), "files.example.com", "10.0.0.5", False),
        ((), "files.example.com", "127.0.0.1", False),
        ((), "files.example.com", "169.254.169.254", False),
        ((), "files.example.com", "100.64.0.1", False),
        ((), "files.example.com", "0.0.0.0", False),
        ((), "files.example.com", "224.0.0.1", False),
        ((), "files.example.com", "::1", False),
        ((), "files.example.com", "fe80::1%eth0", False),
        ((), "files.example.com", "::ffff:10.0.0.5", False),
        ((), "files.example.com", "64:ff9b::a00:5", False),
        ((), "10.0.0.5", "10.0.0.5", True),
        ((), "localhost", "127.0.0.1", True),
        ((), "localhost", "10.0.0.5", False),
        (("10.0.0.0/8",), "files.example.com", "10.0.0.5", True),
        (("10.0.0.0/8",), "files.example.com", "192.168.0.5", False),
        (("fd00::/8",), "files.example.com", "fd00::5", True),
    ],
)
def test_private_addresses_are_admitted_only_where_they_are_named(
    tmp_path: Path, documents: tuple[str, ...], host: str, address: str, admitted: bool
) -> None:
    assert PdfPlaces(tmp_path, documents).admits(host, address) is admitted


def test_a_folder_that_is_a_link_itself_may_be_named(tmp_path: Path) -> None:
    real = tmp_path / "real"
    (real / "deep").mkdir(parents=True)
    (real / "deep" / "x.pdf").write_bytes(b"%PDF")
    (tmp_path / "link").symlink_to(real)
    (tmp_path / "project").mkdir()
    places = PdfPlaces(tmp_path / "project", ["../link"])
    location = str(tmp_path / "link" / "deep" / "x.pdf")
    assert places.objection(location) is None
    path = places.path(location)
    assert path is not None
    os.close(places.open_file(path))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("", "documents must not have empty entries"),
        ("https://", "documents must name the host"),
        ("https://user:hunter2@files.example.com", "must not hold a user or password"),
        ("https://[bad", "that is no address"),
    ],
)
def test_an_entry_that_names_no_place_is_refused_with_the_setting(entry: str, said: str) -> None:
    text = f"""
[organisation.acme]
target = {{ key = "env:K", secret = "env:S" }}
source = {{ kind = "files", path = "data" }}
documents = ["{entry}"]
"""
    with pytest.raises(ConfigurationError, match=r"organisation\.acme") as caught:
        parse_project(text.encode(), "headrace.toml")
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)
