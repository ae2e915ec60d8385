"""Requests generated from the OpenAPI document: no 5xx, and every answer is described."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_api import Api, customer, invoice, payment

from headrace.testkit.hub import RunningHub

KEPT = Path(__file__).parents[2] / ".hypothesis"
"""Where hypothesis keeps tables that it would work out anew each time."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


def _made_up(api: Api, running: RunningHub, *options: str) -> None:
    for name in "123":
        api.post("/customers", customer(name))
        api.post("/invoices", invoice(name, name))
        api.post("/payments", payment(name, name))
    headers = [part for item in api.headers.items() for part in ("-H", ": ".join(item))]
    origin = running.url.removesuffix("/v1")
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{origin}/openapi.json",
        "--url", running.url, *headers, "--checks", ",".join(CHECKS), "--seed", "20261124",
        "--no-color", "--generation-database", "none", *options,
    ]  # fmt: skip
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "steering"}
    environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(KEPT)
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    found = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, cwd=running.folder
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert " passed" in found.stdout


@pytest.mark.parametrize("running", ["sqlite"], indirect=True)
def test_generated_requests_cause_no_5xx(api: Api, running: RunningHub) -> None:
    """A few operations only, because generating their bodies takes most of the time."""
    part = ("--include-path-regex", "^/(customers|invoices|payments)(/{id})?$")
    _made_up(api, running, *part, "--phases", "fuzzing", "--max-examples", "3")
    log = [record for record in running.requests() if record.organisation == api.organisation]
    done = sum(200 <= record.status < 300 for record in log)
    assert len(log) > 30
    assert done > len(log) / 5, "most of it should not be refused at the door"


@pytest.mark.soak
def test_many_generated_requests_cause_no_5xx(api: Api, running: RunningHub) -> None:
    _made_up(api, running, "--max-examples", "150")
