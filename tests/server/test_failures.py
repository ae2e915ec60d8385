"""Failures of the hub itself: an error answer without a stack trace, and it keeps running."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest
from hub_api import Api, customer

from headrace.model.errors import ServiceUnavailable
from headrace.server.handlers import customers
from headrace.server.observing.request_log import FileSink, LogRecord
from headrace.server.routes import ROUTES


def _raise(error: Exception) -> Any:
    def fail(*_: object) -> NoReturn:
        raise error

    return fail


def test_a_defect_is_500_without_a_trace(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(customers, "import_customer", _raise(RuntimeError("secret detail")))
        answer = api.call("POST", "/customers", customer("C"))
    assert answer.status == 500
    assert answer.body == {
        "statusCode": 500,
        "error": "Internal Server Error",
        "message": "The hub failed at this request; nothing of it was stored, its log has the "
        "cause.",
        "details": [],
    }
    assert "secret detail" in caplog.text
    assert api.get("/customers")["total"] == 0
    assert api.post("/customers", customer("C"))


def test_a_database_that_cannot_be_written_is_503(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(customers, "import_customer", _raise(ServiceUnavailable("Later.")))
        answer = api.call("POST", "/customers", customer("C"))
    assert (answer.status, answer.body["error"]) == (503, "Service Unavailable")
    assert api.post("/customers", customer("C"))


def test_a_log_that_cannot_be_written_fails_no_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sink = FileSink(tmp_path / "requests.jsonl")
    sink.close()
    sink(_record(200))
    assert "the request log can't be written" in caplog.text


def test_a_line_of_the_log_that_was_cut_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "requests.jsonl"
    sink = FileSink(path)
    sink(_record(200))
    whole = os.write
    monkeypatch.setattr(os, "write", lambda file, line: whole(file, line[:30]))
    sink(_record(201))  # the disk is full
    assert "only a part of a line" in caplog.text
    monkeypatch.undo()
    sink(_record(202))
    sink.close()
    with path.open("ab") as file:
        file.write(b'{"arrived":1.0,"ans')  # the hub is killed
    sink = FileSink(path)
    sink(_record(203))
    sink.close()
    lines = path.read_bytes().splitlines()
    found = [msgspec.json.decode(lines[place], type=LogRecord).status for place in (0, 2, 4)]
    assert (found, len(lines)) == ([200, 202, 203], 5)
    FileSink(path).close()
    assert path.read_bytes().endswith(b"}\n")


def _record(status: int) -> LogRecord:
    return LogRecord(
        arrived=1.0,
        answered=2.0,
        organisation="acme",
        method="GET",
        path="/v1/customers",
        status=status,
        entity="customer",
        external_id=None,
        customer=None,
        in_flight=1,
    )


def test_the_documentation_names_every_route() -> None:
    text = (Path(__file__).parents[2] / "docs" / "hub.md").read_text("utf-8")
    for route in ROUTES:
        assert f"`{route.path.replace('{}', '{id}')}`" in text, route.path
