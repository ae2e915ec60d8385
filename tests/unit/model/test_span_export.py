"""Where spans go, by OpenTelemetry's own variables."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from headrace.model.errors import ConfigurationError
from headrace.model.span_export import span_provider

COLLECTOR = "http://127.0.0.1:1"
NAMES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {NAMES[0]: ""},
        {NAMES[0]: COLLECTOR, "OTEL_SDK_DISABLED": "true"},
        {NAMES[1]: COLLECTOR, "OTEL_SDK_DISABLED": "TRUE"},
    ],
)
def test_nothing_is_exported_unless_a_collector_is_named(environment: dict[str, str]) -> None:
    assert span_provider(environment, "headrace") is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("given", "service"), [({}, "headrace"), ({"OTEL_SERVICE_NAME": "x"}, "x")]
)
def test_spans_have_the_name_of_the_service(name: str, given: dict[str, str], service: str) -> None:
    provider = span_provider({name: COLLECTOR, "OTEL_SDK_DISABLED": "false", **given}, "headrace")
    assert provider is not None
    try:
        assert provider.resource.attributes["service.name"] == service
        assert len(provider._active_span_processor._span_processors) == 1
    finally:
        provider.shutdown()


@pytest.mark.parametrize(
    "missing",
    [
        "opentelemetry.sdk.trace",
        "opentelemetry.sdk.trace.export",
        "opentelemetry.sdk.resources",
        "opentelemetry.exporter.otlp.proto.http.trace_exporter",
        "opentelemetry.instrumentation.asgi",
    ],
)
def test_a_library_that_is_missing_is_said(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    present = importlib.import_module

    def load(name: str) -> ModuleType:
        if name == missing:
            raise ImportError(name)
        return present(name)

    monkeypatch.setattr(importlib, "import_module", load)
    with pytest.raises(ConfigurationError, match=r"pip install .headrace\[traces\]"):
        span_provider({NAMES[0]: COLLECTOR}, "headrace")
