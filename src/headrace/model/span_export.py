"""Where spans go: a tracer provider that exports to the collector which the environment names."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from headrace.model.errors import ConfigurationError

_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def span_provider(environment: Mapping[str, str], service: str) -> Any | None:
    """Return an OpenTelemetry tracer provider; None if no collector is configured.

    `service` is the name of the service unless the environment has one. Raises ConfigurationError
    when the variables are set and the libraries are missing.
    """
    if not any(environment.get(name) for name in _VARIABLES):
        return None
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        sdk = importlib.import_module("opentelemetry.sdk.trace")
        export = importlib.import_module("opentelemetry.sdk.trace.export")
        resources = importlib.import_module("opentelemetry.sdk.resources")
        wire = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        # The hub's layer comes with the same extra, so both find it missing alike.
        importlib.import_module("opentelemetry.instrumentation.asgi")
    except ImportError:
        raise ConfigurationError(
            "OpenTelemetry's variables are set and its libraries are not there: "
            "pip install 'headrace[traces]', or unset OTEL_EXPORTER_OTLP_ENDPOINT."
        ) from None
    name = environment.get("OTEL_SERVICE_NAME", service)
    provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": name}))
    provider.add_span_processor(export.BatchSpanProcessor(wire.OTLPSpanExporter()))
    return provider
