"""Fixtures for pytest: a hub for each session, a sandbox of it for each test.

pytest loads this module in every session of an environment with headrace, so it imports nothing of
headrace until a test asks for a hub.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from headrace.testkit.hub import RunningHub
    from headrace.testkit.hub_control import Sandbox

_MARKER = (
    "headrace_hub(seed, entities, number, limits, clock, currency, time_zone): "
    "how the sandbox of the fixture headrace_hub is made"
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def headrace_hub_server() -> Iterator[RunningHub]:
    """The hub of this session, in a thread; with pytest-xdist each worker has its own."""
    with importlib.import_module("headrace.testkit.hub").hub() as running:
        yield running


@pytest.fixture
def headrace_hub(
    request: pytest.FixtureRequest, headrace_hub_server: RunningHub
) -> Iterator[Sandbox]:
    """A sandbox for this test: `url`, `key`, `secret`, and everything to control it by.

    `@pytest.mark.headrace_hub(seed="saas", limits="upflow")` says how it is made; it takes the
    arguments of `sandbox` of a hub.
    """
    marker = request.node.get_closest_marker("headrace_hub")
    if marker is not None and marker.args:
        raise pytest.UsageError("headrace_hub takes named arguments, such as seed='saas'")
    with headrace_hub_server.sandbox(**(marker.kwargs if marker is not None else {})) as sandbox:
        yield sandbox
