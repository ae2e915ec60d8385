"""OpenTelemetry traces, enabled by OpenTelemetry's own environment variables."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping

from headrace.model.span_export import span_provider
from headrace.server.observing.metrics import App


def traced(app: App, environment: Mapping[str, str] = os.environ) -> App:
    """Wrap the application with a span per request, exported to the configured collector.

    Raises ConfigurationError when the variables are set and the libraries are missing.
    """
    provider = span_provider(environment, "headrace-hub")
    if provider is None:
        return app
    layer = importlib.import_module("opentelemetry.instrumentation.asgi")
    wrapped: App = layer.OpenTelemetryMiddleware(
        app, tracer_provider=provider, exclude_spans=["receive", "send"]
    )
    return wrapped
