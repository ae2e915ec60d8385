"""An account at a stand-in for a vendor's API, and what headrace reads of it, round after round."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from small_api import Asked, Said, serving, write_project

from headrace.book.book import Book
from headrace.book.models.models import load_models
from headrace.fleet.project import load_project
from headrace.model.errors import ConfigurationError, SourceError
from headrace.sources.registry import open_source
from headrace.systems.catalogue import find_system
from project_books import balances, errors
from virtual_time import VirtualClock

TOKEN_S = 1800


@dataclass
class Request:
    """What was asked for, taken apart."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any

    @classmethod
    def of(cls, asked: Asked) -> Request:
        parts = urlsplit(asked.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        return cls(parts.path, query, {k.lower(): v for k, v in asked.headers.items()}, asked.body)


@dataclass
class Tokens:
    """A token endpoint whose refresh tokens work once."""

    refresh: str = "refresh-token-0"
    access: str = ""
    given: int = 0
    refused: bool = False

    def grant(self, fields: Mapping[str, str]) -> tuple[int, Any]:
        """Answer a grant; any but the newest refresh token is refused."""
        if fields["grant_type"] == "refresh_token" and fields["refresh_token"] != self.refresh:
            return 400, {"error": "invalid_grant"}
        self.given += 1
        self.access = f"access-token-{self.given}"
        answer = {"access_token": self.access, "expires_in": TOKEN_S, "token_type": "Bearer"}
        if fields["grant_type"] == "refresh_token":
            self.refresh = f"refresh-token-{self.given}"
            answer["refresh_token"] = self.refresh
        return 200, answer

    def admits(self, request: Request) -> bool:
        """Whether a request has the newest access token."""
        return request.headers.get("authorization") == f"Bearer {self.access}" and not self.refused


@dataclass
class Vendor:
    """A stand-in: objects by table, and what was asked of them. Its subclasses answer."""

    objects: dict[str, list[dict[str, Any]]]
    clock: VirtualClock = field(default_factory=VirtualClock)
    asked: list[str] = field(default_factory=list)
    busy: int = 1
    """How many requests are refused first, because there were too many."""
    page: int = 2

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Answer a request."""
        request = Request.of(asked)
        if self.busy:
            self.busy -= 1
            return 429, Said({"message": "too many requests"}, {"Retry-After": "0"})
        return self.answered(request)

    def answered(self, request: Request) -> tuple[int, Any]:
        """Answer a request that is within the limits."""
        raise NotImplementedError

    @property
    def second(self) -> int:
        """The present, in seconds since 1970."""
        return int(self.clock.now().timestamp())


class Account:
    """A project that reads the vendor by `kind = "system:NAME"`, and its book."""

    def __init__(
        self, folder: Path, system: str, vendor: Vendor, options: dict[str, str], book: Book
    ) -> None:
        self.folder, self.system, self.vendor = folder, system, vendor
        self.options = options
        self.book = book
        models = load_models(find_system(system).models, ())
        self.names = sorted(frozenset().union(*(model.reads for model in models)))

    def stage(self, options: dict[str, str] | None = None) -> dict[str, int]:
        """Read, as a round does; returns the rows of each table."""
        write_project(self.folder, self.system, options or self.options)
        source: Any = open_source(load_project(self.folder).source("it"), self.folder)
        source._clock = self.vendor.clock
        self.vendor.asked.clear()
        with self.book.staging() as connection:
            return dict(source.stage(connection, self.names))

    def sync(self) -> dict[tuple[str, str], int]:
        """Read and run the models; returns what is owed, by customer and currency."""
        self.stage()
        models = load_models(find_system(self.system).models, self.names)
        self.book.build(models)
        self.book.check()
        assert errors(self.book) == []
        return balances(self.book)

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Rows of a staged table, in order."""
        listed = ", ".join(columns)
        with self.book.staging() as connection:
            return connection.execute(
                f"select {listed} from source.{table} order by all"
            ).fetchall()

    def refusal(self, **options: str) -> str:
        """What a round says that fails; the book stays as it was."""
        before = self._kept()
        with pytest.raises(SourceError) as caught:
            self.stage(self.options | options)
        assert self._kept() == before
        for name, value in options.items():
            assert name == "url" or value not in str(caught.value)
        return str(caught.value)

    def _kept(self) -> Any:
        with self.book.staging() as connection:
            return connection.execute("select count(*), max(record) from kept.records").fetchall()

    def unknown_option(self) -> str:
        """What an option is answered that the system does not have."""
        return self.mistake(colour="red")

    def mistake(self, **options: str) -> str:
        """What an option is answered that can't be right, before anything is asked for."""
        self.vendor.asked.clear()
        with pytest.raises(ConfigurationError) as caught:
            self.stage(self.options | options)
        assert self.vendor.asked == []
        return str(caught.value)


@contextmanager
def account(
    folder: Path, system: str, vendor: Vendor, options: dict[str, str], prefix: str = ""
) -> Iterator[Account]:
    """An account at a vendor, who is at the option `url`."""
    with serving(vendor.answer) as url, Book(folder / "book" / "cache.duckdb") as book:
        placed = {name: value.replace("URL", url) for name, value in options.items()}
        yield Account(folder, system, vendor, {"url": url + prefix} | placed, book)


def same_objects(found: list[tuple[Any, ...]], objects: list[dict[str, Any]], key: str) -> bool:
    """Whether the staged ids are those of the objects."""
    ids = sorted(str(one) for (one,) in found)
    return ids == sorted(json.loads(json.dumps(str(one[key]))) for one in objects)
