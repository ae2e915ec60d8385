"""OpenTelemetry spans of rounds and their steps, enabled by OpenTelemetry's own variables."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from headrace.model.span_export import span_provider


class Traces:
    """Makes a span of each round, with spans of its steps below it.

    Spans have the organisation's name and the kind of error, and nothing of records.
    """

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("headrace")
        self._api = importlib.import_module("opentelemetry.trace")
        self._rounds: dict[str, Any] = {}

    def round(self, organisation: str) -> Any:
        """Begin the span of a round; returns the context for its steps."""
        span = self._tracer.start_span("round", attributes={"headrace.organisation": organisation})
        self._rounds[organisation] = span
        return self._api.set_span_in_context(span)

    def end(self, organisation: str, error: Exception | None) -> None:
        """End the span of a round."""
        span = self._rounds.pop(organisation, None)
        if span is None:
            return
        if error is not None:
            span.set_status(self._api.StatusCode.ERROR, type(error).__name__)
        span.end()

    @contextmanager
    def step(self, context: Any, name: str) -> Iterator[None]:
        """Put a span around the block, below the one of `context`."""
        span = self._tracer.start_span(name, context=context)
        try:
            yield
        except BaseException as error:
            span.set_status(self._api.StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            span.end()

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


def make_traces(environment: Mapping[str, str] = os.environ) -> Traces | None:
    """Return traces that are exported to the configured collector; None if there is none.

    Raises ConfigurationError when the variables are set and the libraries are missing.
    """
    provider = span_provider(environment, "headrace-run")
    return Traces(provider) if provider is not None else None
