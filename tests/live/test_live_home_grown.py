"""A billing system of one's own in MariaDB or PostgreSQL, whose program writes by transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from desk import HubDesk
from live_desk import LiveDesk, write_project

from mariadb import run_mariadb, running_mariadb
from postgres import running_server

SCHEMA = (
    "create table client (id int primary key, name varchar(80), mail varchar(80))",
    "create table bill (id int primary key, client int, total decimal(12, 2), day date,"
    " state varchar(9))",
    "create table receipt (id int primary key, client int, total decimal(12, 2), day date)",
    "create table settles (receipt int, bill int, amount decimal(12, 2),"
    " primary key (receipt, bill))",
)
MODELS = {
    "customers": "select id as external_id, name from client",
    "contacts": "select id as customer_external_id, id || '-mail' as external_id, mail as email"
    " from client where mail is not null",
    "invoices": "select id as external_id, client as customer_external_id, id as custom_id,"
    " day as issued_at, day as due_date, 'EUR' as currency, minor(total, 'EUR') as gross_amount,"
    " minor(total, 'EUR') as net_amount from bill where state = 'sent' and total >= 0",
    "credit_notes": "select id as external_id, client as customer_external_id, id as custom_id,"
    " day as issued_at, 'EUR' as currency, minor(-total, 'EUR') as gross_amount,"
    " minor(-total, 'EUR') as net_amount from bill where state = 'sent' and total < 0",
    "payments": "select id as external_id, client as customer_external_id, 'EUR' as currency,"
    " minor(total, 'EUR') as amount, day as validated_at from receipt where total > 0",
    "refunds": "select id as external_id, client as customer_external_id, 'EUR' as currency,"
    " minor(-total, 'EUR') as amount, day as validated_at from receipt where total < 0",
    "allocations": "select if(receipt.total > 0, 'payment', 'refund') as from_entity,"
    " receipt as from_external_id, if(receipt.total > 0, 'invoice', 'credit_note') as to_entity,"
    " bill as to_external_id, minor(amount, 'EUR') as amount"
    " from settles join receipt on receipt.id = settles.receipt",
}
BALANCES = (
    "select client, sum(total) from (select client, total from bill where state = 'sent'"
    " union all select client, -total from receipt) x group by client having sum(total) <> 0"
)
OPEN = (
    "select id, abs(total) - coalesce((select sum(amount) from settles where bill = bill.id), 0)"
    " from bill where state = 'sent'"
)


class Billing:
    """The database of the program, and a desk."""

    def __init__(self, run: Callable[..., list[tuple[object, ...]]], folder: Path) -> None:
        self._run = run
        self._last = 0
        for statement in SCHEMA:
            run(statement)
        for name, sql in MODELS.items():
            (folder / "models").mkdir(exist_ok=True)
            (folder / "models" / f"{name}.sql").write_text(sql)

    def money(self, query: str) -> dict[str, int]:
        """The rows of a query: a number and an amount, in cents, without zeros."""
        rows = {str(n): int(Decimal(str(amount)) * 100) for n, amount in self._run(query)}
        return {number: amount for number, amount in rows.items() if amount}

    def do(self, *statements: str) -> None:
        """One transaction."""
        self._run(*statements)

    def bill(self, total: str = "100.00", state: str = "sent") -> int:
        """A bill of a new client, both with the same number."""
        self._last += 1
        n = self._last
        self.do(
            f"insert into client values ({n}, 'Client {n}', 'c{n}@client.test')",
            f"insert into bill values ({n}, {n}, {total}, '2026-11-01', '{state}')",
        )
        return n


@pytest.fixture(scope="module", params=["mariadb", "postgresql"])
def billing(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    live_desk: Callable[[Path, str], HubDesk],
) -> Iterator[tuple[Billing, LiveDesk]]:
    """A database without clients, on a server of its own."""
    folder = tmp_path_factory.mktemp("billing")
    with ExitStack() as stack:
        try:
            if request.param == "mariadb":
                server = stack.enter_context(running_mariadb())
                run_mariadb(server, "create database billing")
                url = f"{server}/billing"
                made = Billing(lambda *said: run_mariadb(url, *said), folder)
            else:
                url = stack.enter_context(running_server({"listen_addresses": "127.0.0.1"}))
                made = Billing(lambda *said: _postgres(url, *said), folder)
        except FileNotFoundError as missing:
            pytest.skip(f"{request.param} can't be had here: {missing}")
        write_project(folder, "", f'kind = "sql"\nurl = "{url}"\n')
        desk = live_desk(folder, "EUR")
        yield made, LiveDesk(desk, lambda: made.money(BALANCES), lambda: made.money(OPEN))


def _postgres(url: str, *statements: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_whatever_the_program_writes_is_at_the_hub_after_the_requests_it_needs(
    billing: tuple[Billing, LiveDesk],
) -> None:
    program, desk = billing
    made = program.bill()
    assert desk.settle() == ["POST customer 201", "POST invoice 201"]
    draft = program.bill(state="draft")
    assert desk.settle() == ["POST customer 201"]
    program.do(f"update bill set state = 'sent' where id = {draft}")
    assert desk.settle() == ["POST invoice 201"]
    # Paid in part, and the rest.
    program.do(
        f"insert into receipt values (1, {made}, 40.00, '2026-11-02')",
        f"insert into settles values (1, {made}, 40.00)",
    )
    assert desk.settle() == ["POST payment 201"]
    program.do(
        f"insert into receipt values (2, {made}, 75.00, '2026-11-03')",
        f"insert into settles values (2, {made}, 60.00)",
    )
    assert desk.settle() == ["POST payment 201"]
    # Taken apart, and cancelled.
    program.do("delete from settles where receipt = 1")
    assert desk.settle() == ["POST payment 200"]
    program.do("delete from receipt where id = 1")
    assert desk.settle() == ["DELETE payment 204"]
    # A credit note that is paid out.
    note = program.bill("-30.00")
    assert desk.settle() == ["POST credit_note 201", "POST customer 201"]
    program.do(
        f"insert into receipt values (3, {note}, -30.00, '2026-11-04')",
        f"insert into settles values (3, {note}, 30.00)",
    )
    assert desk.settle() == ["POST refund 201"]
    # An edit, a merge, and what is deleted.
    program.do(f"update client set name = 'Renamed' where id = {note}")
    assert desk.settle() == ["POST customer 200"]
    program.do(
        f"update bill set client = {made} where client = {draft}",
        f"delete from client where id = {draft}",
    )
    assert desk.settle() == ["DELETE customer 204", "POST invoice 200"]
    program.do(f"delete from bill where id = {draft}")
    assert desk.settle() == ["DELETE invoice 204"]
    assert desk.settle() == []
