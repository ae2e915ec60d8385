"""The resources of an API that are read by a cursor: where each starts, and how far it came."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from headrace.model.clock import parse_interval
from headrace.model.errors import ConfigurationError
from headrace.model.source_settings import Incremental

_MOMENT = 1


def check_parameters(tables: Mapping[str, Incremental]) -> None:
    """Raise ConfigurationError for a cursor that the API would not hear of."""
    for name, one in tables.items():
        if not one.parameter:
            raise ConfigurationError(
                f"source.incremental.{name} needs parameter: the query parameter by which the API "
                'gives only what is new, such as "updated_since".'
            )


def start(settings: Incremental, last: Any) -> Any:
    """Return where reading starts: the last cursor, less the overlap, as it is written."""
    overlap = parse_interval(settings.overlap)
    if isinstance(last, int | float):
        return last - int(overlap.total_seconds())
    moment = _moment(last)
    if moment is None:
        return last
    text = (moment - overlap).isoformat()
    return text.replace("+00:00", "Z") if str(last).endswith("Z") else text


def later(one: Any, other: Any, now: datetime) -> Any:
    """Return the later of two cursors. None counts as none, and so does a moment after `now`: if
    reading started there, it would leave out whatever changes until then."""
    known = [each for each in (one, other) if each is not None and not _is_ahead(each, now)]
    return max(known, key=_order, default=None)


def declared(declaration: Mapping[str, Any], starts: Mapping[str, tuple[str, Any]]) -> Any:
    """Return a declaration whose resources, by lower-case name, have a parameter with a value."""
    changed = copy.deepcopy(dict(declaration))
    resources = []
    for resource in changed["resources"]:
        one = {"name": resource} if isinstance(resource, str) else resource
        found = starts.get(str(one.get("name", "")).lower())
        if found is not None:
            endpoint = one.get("endpoint", one["name"])
            endpoint = {"path": endpoint} if isinstance(endpoint, str) else endpoint
            endpoint.setdefault("path", one["name"])
            endpoint["params"] = dict(endpoint.get("params") or {}) | {found[0]: found[1]}
            one = one | {"endpoint": endpoint}
        resources.append(one)
    return changed | {"resources": resources}


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _is_ahead(value: Any, now: datetime) -> bool:
    kind, moment = _order(value)
    return kind == _MOMENT and bool(moment > now)


def _order(value: Any) -> tuple[int, Any]:
    """Return what orders cursors: numbers, then moments by what they mean, then other texts."""
    if isinstance(value, int | float):
        return 0, value
    moment = _moment(value)
    if moment is None:
        return 2, str(value)
    return _MOMENT, moment if moment.tzinfo else moment.replace(tzinfo=UTC)
