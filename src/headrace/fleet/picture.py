"""Pictures: what pages show of an organisation as its last round saw it.

A picture is a SQLite file next to the book. A round replaces it as a whole, so a page reads one
without waiting for a round, and never sees half of one. It can be deleted at any time.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from headrace.sync.planning.plan import Count, Money
from headrace.sync.remote.proof import Difference, Reconciled

PICTURE, PROOF = "picture.db", "proof.db"
"""Names of the files in an organisation's data folder."""

Kind = TypeVar("Kind")
StayKind = Literal["withheld", "held", "departed"]


class Outstanding(Struct, frozen=True, kw_only=True):
    """How a plan changes what customers owe in one currency, in its lowest division.

    Payments and credit notes count negative, so the parts add up to `change`.
    """

    currency: str
    change: int = 0
    created: dict[str, int] = {}
    """By entity."""
    updated: int = 0
    deleted: int = 0
    unknown: int = 0
    """Operations whose effect is not known, because their earlier payload was not kept."""


class Head(Struct, frozen=True, kw_only=True):
    """A plan without its operations."""

    made_at: str
    id: str
    """Id of the approval that the plan needs; empty if it needs none."""
    digest: str
    """Identifies the picture's contents."""
    objections: list[str]
    notes: list[str]
    """What a reader should know about the plan, a sentence each."""
    counts: list[Count]
    money: list[Money]
    requests: int
    seconds: float
    kept: int
    """Number of operations in the picture: all of a plan that waits, the first ones of others."""
    outstanding: list[Outstanding]
    """By currency; only of operations in the picture."""
    customers: int
    stays: dict[str, int]
    """Records that stay behind, by kind."""
    warnings: int = 0

    @property
    def complete(self) -> bool:
        """Whether the picture has all operations."""
        return self.kept == self.requests


class CustomerPart(Struct, frozen=True, kw_only=True):
    """The part of a plan that is about one customer."""

    customer: str
    name: str
    operations: int
    first: int
    """Number of its first operation."""
    change: dict[str, int] = {}
    """Change of what it owes, by currency."""


class ShownOperation(Struct, frozen=True, kw_only=True):
    """One operation of a plan as people read it."""

    number: int
    entity: str
    external_id: str
    action: str
    title: str
    amount: str
    lines: list[str]
    """Fields with their values before and after."""
    location: str = ""
    """Where the PDF is, if the operation is about one."""


class Stay(Struct, frozen=True, kw_only=True):
    """A record that stays behind."""

    kind: StayKind
    entity: str
    external_id: str
    reason: str
    remedy: str
    customer_name: str
    number: str
    amount: str
    row: dict[str, str] = {}
    """The model's row, as far as it has values."""


SCHEMA = """
create table head (body blob not null);
create table customers (place integer primary key, customer text not null, body blob not null);
create table operations (
  number integer primary key, customer text not null, body blob not null);
create table stays (place integer primary key, body blob not null);
"""
PROOF_SCHEMA = """
create table head (body blob not null);
create table differences (place integer primary key, body blob not null);
"""


class Picture:
    """Reads one picture. Raises sqlite3.Error or ValueError where the file is damaged."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        ((body,),) = database.execute("select body from head")
        self.head = msgspec.json.decode(body, type=Head)

    def customers(self, offset: int, limit: int) -> list[CustomerPart]:
        """Return the customers of the plan, those with the largest change first."""
        return self._read(
            "select body from customers where place >= ? order by place limit ?",
            (offset, limit),
            CustomerPart,
        )

    def customer(self, customer: str) -> CustomerPart | None:
        """Return one customer of the plan."""
        sql = "select body from customers where customer = ?"
        return next(iter(self._read(sql, (customer,), CustomerPart)), None)

    def operations(self, customer: str, offset: int, limit: int) -> list[ShownOperation]:
        """Return operations of one customer, in the order of delivery."""
        return self._read(
            "select body from operations where customer = ? order by number limit ? offset ?",
            (customer, limit, offset),
            ShownOperation,
        )

    def operation(self, number: int) -> ShownOperation | None:
        """Return one operation."""
        sql = "select body from operations where number = ?"
        return next(iter(self._read(sql, (number,), ShownOperation)), None)

    def stays(self, offset: int, limit: int) -> list[Stay]:
        """Return the records that stay behind, the withheld ones first."""
        sql = "select body from stays where place >= ? order by place limit ?"
        return self._read(sql, (offset, limit), Stay)

    def _read(self, sql: str, values: tuple[Any, ...], kind: Any) -> list[Any]:
        rows = self._database.execute(sql, values)
        return [msgspec.json.decode(body, type=kind) for (body,) in rows]


class ProofPicture:
    """Reads the picture of a reconciliation."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        ((body,),) = database.execute("select body from head")
        self.proof = msgspec.json.decode(body, type=Reconciled)
        """The reconciliation without its differences, which `differences` returns."""
        ((self.count,),) = database.execute("select count(*) from differences")

    def differences(self, offset: int, limit: int) -> list[Difference]:
        """Return differences, the largest first."""
        rows = self._database.execute(
            "select body from differences where place >= ? order by place limit ?", (offset, limit)
        )
        return [msgspec.json.decode(body, type=Difference) for (body,) in rows]


@contextmanager
def opened_picture(data: Path) -> Iterator[Picture | None]:
    """Open the picture in an organisation's data folder; None if there is none."""
    with _opened(data / PICTURE, Picture) as picture:
        yield picture


@contextmanager
def opened_proof(data: Path) -> Iterator[ProofPicture | None]:
    """Open the picture of the last reconciliation; None if there is none."""
    with _opened(data / PROOF, ProofPicture) as picture:
        yield picture


@contextmanager
def _opened(path: Path, kind: Callable[[sqlite3.Connection], Kind]) -> Iterator[Kind | None]:
    """Open a picture; deletes one that is damaged or of another version."""
    if not path.exists():
        yield None
        return
    address = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as database:
        try:
            picture = kind(database)
        except (sqlite3.Error, ValueError):
            path.unlink(missing_ok=True)
            yield None
            return
        yield picture


@contextmanager
def replacing(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Yield a new, empty file that replaces the one at `path` at the end of the block."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    try:
        # Only its owner can read it, whatever the umask is.
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(new, isolation_level=None)) as database:
            database.executescript(f"pragma journal_mode = off; pragma synchronous = off; {schema}")
            database.execute("begin")
            yield database
            database.execute("commit")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def keep_proof(data: Path, proof: Reconciled) -> None:
    """Keep a reconciliation for the pages. Raises OSError or sqlite3.Error."""
    with replacing(data / PROOF, PROOF_SCHEMA) as database:
        bare = msgspec.structs.replace(proof, differences=[])
        database.execute("insert into head values (?)", (msgspec.json.encode(bare),))
        database.executemany(
            "insert into differences values (?, ?)",
            ((n, msgspec.json.encode(one)) for n, one in enumerate(proof.differences)),
        )


def picture_is_missing(data: Path) -> bool:
    """Whether no picture was kept of an organisation."""
    return not (data / PICTURE).exists()


def forget_pictures(data: Path) -> None:
    """Delete all pictures of an organisation."""
    for name in (PICTURE, PROOF):
        (data / name).unlink(missing_ok=True)


def plain_row(values: Mapping[str, Any]) -> dict[str, str]:
    """Return a row as texts, without what is empty."""
    return {name: str(value) for name, value in values.items() if value is not None}
