"""The files of a project's unit tests: YAML, and SQL with a comment above each part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from headrace.model.errors import ConfigurationError

Rows = list[dict[str, Any]] | str

_PART = re.compile(
    r"\s*--\s*(?:(?P<name>test|model|organisation|parameter|given)\s*:(?P<value>.*)|expect\s*:?\s*)"
)
_YAML = "A test is `test`, `model`, `given` and `expect`."
_SQL = (
    "A test is `-- test: what it shows`, `-- model: NAME`, `-- given: TABLE` with a SELECT for "
    "each table, and `-- expect` with a SELECT."
)


class ModelTest(Struct, frozen=True, forbid_unknown_fields=True):
    """One test, as it is written."""

    test: str
    """What the test shows, as a sentence."""
    model: str
    expect: Rows
    """Rows that the model makes, in any order; columns that are not named are not compared."""
    given: dict[str, Rows] = {}
    """The rows of each table that the model reads."""
    organisation: str = ""
    """Whose models are meant, where organisations have their own."""
    parameters: dict[str, str | int | bool] = {}
    """What the model reads by `getvariable`."""


class _Loader(yaml.SafeLoader):
    """YAML as its version 1.2 reads it: NO is a country and not false, a day stays text, and 12.50
    is exact."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"true|false", "tf"),
    ("tag:yaml.org,2002:null", r"~|null|", ["~", "n", ""]),
    ("tag:yaml.org,2002:int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("!decimal", r"[-+]?[0-9]+\.[0-9]+", "-+0123456789"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), list(_first))
_Loader.add_constructor("!decimal", lambda loader, node: Decimal(str(node.value)))


def load_tests(folder: Path) -> dict[str, list[ModelTest]]:
    """Return the tests of each file in `folder`, by the file's name.

    Raises ConfigurationError that names the file and what is wrong in it.
    """
    found = {}
    for path in sorted(path for end in ("yaml", "yml", "sql") for path in folder.glob(f"*.{end}")):
        try:
            text = path.read_text(encoding="utf-8-sig")
            content = list(_of_sql(text)) if path.suffix == ".sql" else yaml.load(text, _Loader)
            found[path.name] = msgspec.convert(content or [], list[ModelTest])
        except yaml.YAMLError as error:
            said = " ".join(str(error).split())
            raise ConfigurationError(f"{path.name} is not YAML: {said}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path.name} can't be read: {error}.") from None
        except ValueError as error:  # msgspec.ValidationError is one
            way = _SQL if path.suffix == ".sql" else _YAML
            raise ConfigurationError(f"{path.name}: {error}. {way}") from None
    return found


def _of_sql(text: str) -> Iterator[dict[str, Any]]:
    """Yield the tests of an SQL file as YAML would hold them. Raises ValueError."""
    test: dict[str, Any] = {}
    for number, (part, value, sql) in _parts(text):
        where = f"line {number}"
        if part == "test":
            if test:
                yield test
            test = {"test": value}
        elif not test:
            raise ValueError(f"{where}: a test begins with `-- test:`")
        elif part == "parameter":
            name, _, said = value.partition("=")
            test.setdefault("parameters", {})[name.strip()] = yaml.load(said.strip(), _Loader)
        elif part in ("model", "organisation"):
            test[part] = value
        else:
            if not sql:
                raise ValueError(f"{where}: a SELECT is missing below it")
            if part == "given":
                test.setdefault("given", {})[value] = sql
            else:
                test["expect"] = sql
    if test:
        yield test


def _parts(text: str) -> Iterator[tuple[int, tuple[str, str, str]]]:
    """Yield the line, the name, the value and the SQL of each part."""
    begun: tuple[int, str, str] | None = None
    lines: list[str] = []
    for number, line in enumerate([*text.splitlines(), "-- expect"], 1):
        found = _PART.fullmatch(line)
        if found is None:
            lines.append(line)
            continue
        if begun is not None:
            yield begun[0], (begun[1], begun[2], "\n".join(lines).strip())
        begun = number, found["name"] or "expect", (found["value"] or "").strip()
        lines = []
