"""The hub's own log on standard error: plain text, or one JSON document per line."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

from pythonjsonlogger.core import BaseJsonFormatter
from pythonjsonlogger.json import JsonFormatter

LogFormat = Literal["text", "json"]
LogLevel = Literal["info", "warning", "error"]

_FIELDS = ["timestamp", "levelname", "name", "message"]
_NAMES = {"levelname": "level", "name": "logger", "message": "event", "exc_info": "exception"}


class _TextFormatter(BaseJsonFormatter):
    """Formats the fields as a line of text, with a traceback below it."""

    def serialize_log_record(self, log_data: dict[str, Any]) -> str:
        rest = dict(log_data)
        at, level, logger, event, trace = (
            rest.pop(name, None) for name in ("timestamp", "level", "logger", "event", "exception")
        )
        about = "".join(f" {name}={value}" for name, value in rest.items())
        line = f"{at:%Y-%m-%dT%H:%M:%S}Z [{level}] {event}{about} [{logger}]"
        return f"{line}\n{trace}" if trace else line


def start_log(form: LogFormat, level: LogLevel = "info") -> None:
    """Configure logging for this process: everything of that level or above, in that format,
    with extra fields and UTC times."""
    kind = JsonFormatter if form == "json" else _TextFormatter
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(kind(_FIELDS, timestamp=True, rename_fields=_NAMES))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("uvicorn.error").setLevel(max(root.level, logging.WARNING))
