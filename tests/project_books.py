"""The book of a project folder: source staged, models run, checked; nothing sent."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace.book.book import Book
from headrace.book.models.models import load_models
from headrace.fleet.project import LoadedProject, load_project
from headrace.sources.registry import open_source, readable_folders


def _addresses(project: LoadedProject, name: str, url: str) -> dict[str, str]:
    """The environment in which the organisation's source is at `url`."""
    return {project.settings.organisation[name].source.url.removeprefix("env:"): url}


def aged(folder: Path) -> Path:
    """The folder, with files that were complete a minute ago: new ones would be waited for."""
    for path in folder.iterdir():
        then = path.stat().st_mtime - 60
        os.utime(path, (then, then))
    return folder


@contextmanager
def project_book(folder: Path, url: str = "") -> Iterator[Book]:
    """The only organisation of `folder`; `url` stands in for a source address from outside."""
    project = load_project(folder)
    name = project.only(None)
    settings = project.source(
        name, {**os.environ, **({} if not url else _addresses(project, name, url))}
    )
    source = open_source(settings, folder)
    models = load_models(project.models(name), source.tables())
    names = sorted(frozenset().union(*(model.reads for model in models)))
    readable = readable_folders(settings, folder)
    with (
        tempfile.TemporaryDirectory() as place,
        Book(Path(place) / "book.duckdb", readable=readable) as book,
    ):
        with book.staging() as connection:
            source.stage(connection, names)
        source.close()
        book.build(models)
        book.check()
        book.mark()
        yield book


def errors(book: Book) -> list[str]:
    """What the checks would withhold, as text."""
    found = [problem for problem in book.problems() if problem.severity == "error"]
    return [f"{p.entity} {p.external_id} {p.problem}" for p in found]


BALANCES = """
select customer, currency, sum(amount)::bigint as balance from (
    select customer_external_id as customer, currency, gross_amount as amount from book.invoices
    union all
    select customer_external_id, currency, -gross_amount from book.credit_notes
    union all
    select customer_external_id, currency, -amount from book.payments
    union all
    select customer_external_id, currency, amount from book.refunds
    union all
    select customer_external_id, currency, amount from book.adjustments
) group by all
"""
"""What each customer owes in each currency, by adding up documents alone."""

OPEN_AMOUNTS = """
select entity, external_id, gross - coalesce((
    select sum(amount) from book.allocations
    where (to_entity = entity and to_external_id = external_id)
       or (from_entity = entity and from_external_id = external_id)
), 0)::bigint as open
from (
    select 'invoice' as entity, external_id, gross_amount as gross from book.invoices
    union all
    select 'credit_note', external_id, gross_amount from book.credit_notes
    union all
    select 'payment', external_id, amount from book.payments
    union all
    select 'refund', external_id, amount from book.refunds
)
"""
"""What is left of each document when its allocations are taken off."""


def balances(book: Book) -> dict[tuple[str, str], int]:
    """(customer, currency) to what is owed, zeros left out."""
    rows = book.connection.execute(BALANCES).fetchall()
    return {(customer, currency): amount for customer, currency, amount in rows if amount}


def open_amounts(book: Book) -> dict[tuple[str, str], int]:
    """(entity, external id) to what is left of it."""
    rows = book.connection.execute(OPEN_AMOUNTS).fetchall()
    return {(entity, external_id): amount for entity, external_id, amount in rows}


def records(book: Book) -> dict[tuple[str, str], object]:
    """(entity, external id) to all that its request would carry, put together here on purpose
    without the engine's own payloads."""
    documents = "".join(
        f" union all select '{entity}', external_id, [d::varchar, (select list(a::varchar order by"
        f" a::varchar) from book.allocations a where from_entity = '{entity}'"
        f" and from_external_id = d.external_id)::varchar] from book.{entity}s d"
        for entity in ("credit_note", "payment", "refund")
    )
    rows = book.connection.execute(
        "select 'customer', external_id, [c::varchar, (select list(p::varchar order by p::varchar)"
        " from book.contacts p where p.customer_external_id = c.external_id)::varchar]"
        " from book.customers c"
        " union all select 'invoice', external_id, [i::varchar]"
        f" from (select * exclude (marked_paid_at) from book.invoices) i {documents}"
    ).fetchall()
    return {(entity, number): payload for entity, number, payload in rows}
