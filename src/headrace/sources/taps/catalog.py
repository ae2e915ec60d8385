"""The catalog of a Singer tap: which streams it has, and which of them it is to read."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from headrace.model.errors import SourceError


class TapCatalog:
    """What a tap discovers, or a file says. Raises SourceError for what is no catalog."""

    def __init__(self, what: str, found: Any) -> None:
        """`what` names the tap or the file in errors."""
        streams = found.get("streams") if isinstance(found, dict) else None
        if not isinstance(streams, list):
            raise SourceError(f"{what} is no catalog: it has no list of streams.")
        for number, stream in enumerate(streams, 1):
            if not isinstance(stream, dict) or not _name_of(stream):
                raise SourceError(f"{what} is no catalog: its stream {number} has no name.")
        self._found: dict[str, Any] = found

    @property
    def names(self) -> set[str]:
        """The names of its streams."""
        return {_name_of(stream) for stream in self._found["streams"]}

    def selected(self, wanted: Collection[str]) -> dict[str, Any]:
        """Return it with the streams of these lower-case names selected, in both ways that taps
        look at."""
        streams = [_chosen(one, _name_of(one).lower() in wanted) for one in self._found["streams"]]
        return self._found | {"streams": streams}


def _name_of(stream: dict[str, Any]) -> str:
    name = stream.get("tap_stream_id")
    return name if isinstance(name, str) else ""


def _chosen(stream: dict[str, Any], chosen: bool) -> dict[str, Any]:
    schema = _mapping(stream.get("schema")) | {"selected": chosen}
    given = stream.get("metadata")
    parts = [part for part in given if isinstance(part, dict)] if isinstance(given, list) else []
    own = next((part for part in parts if not part.get("breadcrumb")), {})
    meta = _mapping(own.get("metadata")) | {"selected": chosen}
    fields = [
        part | {"metadata": {"selected": True} | _mapping(part.get("metadata"))}
        for part in parts
        if part.get("breadcrumb")
    ]
    return stream | {"schema": schema, "metadata": [{"breadcrumb": [], "metadata": meta}, *fields]}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
