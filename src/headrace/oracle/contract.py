"""What a hub may answer: its OpenAPI document as a contract that shapes are held against."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from headrace.model.errors import ConfigurationError

_JSON = "application/json"
_REF = "#/components/schemas/"
_VERBS = frozenset({"get", "post", "put", "patch", "delete"})
CONTROL = "/_hub"
"""Where the paths of a hub's control plane begin, which are none of the API's."""
_SINGULAR = frozenset({"customer", "custom_field"})
"""Spellings in the guide's text that work and are not described (docs/api-evidence.md,
Endpoints)."""
DEFAULT_LIMIT = 50


class Operation(Struct, frozen=True):
    """A method on a path template."""

    method: str
    template: str
    """Below the base, `{}` stands for an id."""
    answers: Mapping[int, Any]
    """The schema of each described status; None where there is no body."""
    headers: Mapping[int, frozenset[str]]
    """Names of the described headers in lower case, by status."""
    cap: int | None
    """Largest page of a list; None for anything else."""
    example: Any = None
    """A body that can be sent."""

    @property
    def name(self) -> str:
        """Such as `GET /customers/{}`."""
        return f"{self.method} {self.template}"

    @property
    def envelope(self) -> str | None:
        """The key of the entries in a page; None unless this is a list."""
        schema = self.answers.get(200) or {}
        names = schema.get("properties", {}) if isinstance(schema, dict) else {}
        if not {"offset", "limit", "total"} <= names.keys():
            return None
        around = ("offset", "limit", "total")
        return next((str(name) for name in names if name not in around), None)

    def success(self, status: int) -> Any:
        """The schema of a success: of this status, or of the operation's usual one."""
        usual = [schema for known, schema in self.answers.items() if known < 300]
        return self.answers.get(status, usual[0] if usual else None)


class Contract:
    """The operations and schemas of one OpenAPI document of a hub."""

    def __init__(self, document: bytes) -> None:
        """Read a document. Raises ConfigurationError for anything but a hub's."""
        try:
            read = msgspec.json.decode(document)
            self._schemas: dict[str, Any] = read["components"]["schemas"]
            self.operations = {
                (operation.method, operation.template): operation
                for path, methods in read["paths"].items()
                if not path.startswith(CONTROL)
                for method, described in methods.items()
                if method in _VERBS
                for operation in (_operation(method, path, described),)
            }
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"This is no description of a hub ({type(error).__name__}): its /openapi.json is "
                "needed."
            ) from None
        self._paths: dict[int, list[tuple[str, list[str]]]] = {}
        """Each template with its segments, by their number, those with the most words first."""
        for template in sorted({template for _, template in self.operations}, key=_openness):
            words = template.split("/")
            self._paths.setdefault(len(words), []).append((template, words))
        self._words = _SINGULAR.union(*(template.split("/") for _, template in self.operations))
        self._words -= {"{}"}

    def find(self, method: str, path: str) -> Operation | None:
        """Return the operation of a path below the base, percent-encoded; None for no such one."""
        method = "GET" if method == "HEAD" else method
        segments = path.rstrip("/").split("/") if path != "/" else [""]
        for template in self._ordered(segments):
            found = self.operations.get((method, template))
            if found is not None:
                return found
        return None

    def _ordered(self, segments: list[str]) -> list[str]:
        """The templates that fit, those with the most words first."""
        return [
            template
            for template, words in self._paths.get(len(segments), ())
            if all(
                (word == "{}" and own != "") or word == own
                for word, own in zip(words, segments, strict=True)
            )
        ]

    def template(self, path: str) -> str:
        """Return the template of any path: what is no word of the API's paths is `{}`."""
        known = self._ordered(path.rstrip("/").split("/"))
        if known:
            return known[0]
        segments = path.strip("/").split("/")[:8]
        return "".join(f"/{word if word in self._words else '{}'}" for word in segments)

    def schema(self, name: str) -> Any:
        """Return a schema by its name; None for an unknown one."""
        return self._schemas.get(name)

    def named(self, schema: Any) -> tuple[str, Any]:
        """Follow a reference; returns the schema's name, empty for an anonymous one."""
        if isinstance(schema, dict) and "$ref" in schema:
            name = schema["$ref"].removeprefix(_REF)
            return name, self._schemas[name]
        return "", schema


def _openness(template: str) -> tuple[int, str]:
    return template.count("{}"), template


def _operation(method: str, path: str, described: Mapping[str, Any]) -> Operation:
    answers, headers = {}, {}
    for status, answer in described["responses"].items():
        content = answer.get("content", {}).get(_JSON)
        answers[int(status)] = content["schema"] if content else None
        headers[int(status)] = frozenset(name.lower() for name in answer.get("headers", {}))
    body = described.get("requestBody", {}).get("content", {}).get(_JSON, {})
    limits = [one["description"] for one in described["parameters"] if one["name"] == "limit"]
    cap = re.search(r"(\d+) at most", limits[0]) if limits else None
    return Operation(
        method.upper(),
        re.sub(r"\{\w+\}", "{}", path),
        answers,
        headers,
        int(cap[1]) if cap else None,
        body.get("example"),
    )
