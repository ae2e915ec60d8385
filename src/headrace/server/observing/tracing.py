"""OpenTelemetry traces, enabled by OpenTelemetry's own environment variables."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping

from headrace.model.errors import ConfigurationError
from headrace.server.observing.metrics import App

_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def traced(app: App, environment: Mapping[str, str] = os.environ) -> App:
    """Wrap the application with a span per request, exported to the configured collector.

    Raises ConfigurationError when the variables are set and the libraries are missing.
    """
    if not any(environment.get(name) for name in _VARIABLES):
        return app
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return app
    try:
        sdk = importlib.import_module("opentelemetry.sdk.trace")
        export = importlib.import_module("opentelemetry.sdk.trace.export")
        resources = importlib.import_module("opentelemetry.sdk.resources")
        wire = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        layer = importlib.import_module("opentelemetry.instrumentation.asgi")
    except ImportError:
        raise ConfigurationError(
            "OpenTelemetry's variables are set and its libraries are not there: "
            "pip install 'headrace[traces]', or unset OTEL_EXPORTER_OTLP_ENDPOINT."
        ) from None
    resource = resources.Resource.create(
        {"service.name": environment.get("OTEL_SERVICE_NAME", "headrace-hub")}
    )
    provider = sdk.TracerProvider(resource=resource)
    provider.add_span_processor(export.BatchSpanProcessor(wire.OTLPSpanExporter()))
    wrapped: App = layer.OpenTelemetryMiddleware(
        app, tracer_provider=provider, exclude_spans=["receive", "send"]
    )
    return wrapped
