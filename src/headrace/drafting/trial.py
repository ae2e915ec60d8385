"""A project's book without its API: what its models make of its source, for a look."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from headrace.book.checks.checks import Problem
from headrace.book.payloads.payloads import Payloads
from headrace.drafting.scratch import Scratch
from headrace.model.entity import BY_NAME
from headrace.model.record import canonical


class Balance(Struct, frozen=True):
    """What all customers together owe in a currency, in its lowest division."""

    currency: str
    balance: int
    customers: int
    """Customers with a balance."""


class Trial(Struct, frozen=True):
    """What came out: rows staged, rows of each model, problems, samples and balances."""

    staged: dict[str, int]
    records: dict[str, int]
    problems: list[Problem]
    samples: dict[str, str]
    """The first payload of each entity, as JSON."""
    balances: list[Balance]


def try_models(scratch: Scratch, folder: Path) -> Trial:
    """Run the models of a folder over the source, and check every row.

    Raises SourceError and ModelError.
    """
    book = scratch.book
    models = book.load(folder, scratch.offered())
    staged = scratch.stage(sorted(set().union(*(model.reads for model in models))))
    book.build(models)
    book.check()
    book.mark()
    return Trial(staged, book.counts(), book.problems(), _samples(scratch), _balances(scratch))


def _samples(scratch: Scratch) -> dict[str, str]:
    payloads = Payloads(scratch.book.connection, scratch.book.columns)
    first = scratch.book.connection.execute(
        "select entity, min(external_id) from book.fingerprints "
        "anti join book.withheld using (entity, external_id) "
        "where not ends_with(entity, 'pdf') group by entity order by entity"
    ).fetchall()
    return {
        entity: canonical(payloads.fetch(entity, [external_id])[external_id]).decode()
        for entity, external_id in first
        if entity in BY_NAME
    }


def _balances(scratch: Scratch) -> list[Balance]:
    rows = scratch.book.connection.execute(
        "with owed as (select customer, currency, sum("
        "if(entity in ('invoice', 'refund'), amount, -amount))::bigint as balance "
        "from book.placed where entity <> 'customer' group by all) "
        "select currency, sum(balance)::bigint, count(*) filter (balance <> 0) "
        "from owed where currency is not null group by all order by all"
    ).fetchall()
    return [Balance(*row) for row in rows]
