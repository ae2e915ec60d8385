"""A real Singer tap, tap-stripe, as a source: what is new since its state arrives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from desk import HubDesk
from live_actor import ACTING
from live_cache import Missing, environment, python_of
from live_desk import LiveDesk, write_project
from live_stripe import KEY, Stripe, stripe_account

MODELS = {
    "customers": "select id as external_id, name from customers",
    "invoices": "select id as external_id, customer as customer_external_id, number as custom_id,"
    " created as issued_at, created as due_date,"
    " upper(currency) as currency, total::bigint as gross_amount, total::bigint as net_amount"
    " from invoices where status = 'open'",
}


@pytest.fixture(scope="module")
def account(
    tmp_path_factory: pytest.TempPathFactory, live_desk: Callable[[Path, str], HubDesk]
) -> Iterator[tuple[Stripe, LiveDesk]]:
    """An account in Stripe World, and a desk that reads it by the tap."""
    folder = tmp_path_factory.mktemp("tap")
    with ExitStack() as stack:
        try:
            python = environment("tap", python_of("3.11"), ["tap-stripe==3.3.0"])
            stripe = stack.enter_context(stripe_account(folder))
        except Missing as missing:
            pytest.skip(f"tap-stripe can't be had here: {missing}")
        (folder / "models").mkdir()
        for name, sql in MODELS.items():
            (folder / "models" / f"{name}.sql").write_text(sql)
        command = [str(python), str(ACTING / "tap_stripe_here.py"), stripe.url]
        config = f'client_secret = "{KEY}", account_id = "acct_1"'
        config += ', start_date = "2020-01-01T00:00:00Z"'
        source = 'kind = "singer"\n[organisation.acme.source.options]\nstate = "tap-state"\n'
        source += f"command = {json.dumps(command)}\nconfig = {{ {config} }}\n"
        write_project(folder, "", source)
        desk = LiveDesk(live_desk(folder, "USD"), stripe.balances, stripe.open_documents)
        yield stripe, desk


def test_new_records_arrive_by_the_taps_state(account: tuple[Stripe, LiveDesk]) -> None:
    stripe, desk = account
    customer = stripe.customer("First")
    stripe.invoice(customer)
    assert desk.settle() == ["POST customer 201", "POST invoice 201"]
    assert desk.settle() == []
    stripe.invoice(customer, 2500)
    stripe.invoice(stripe.customer("Second"), 700)
    assert desk.settle() == ["POST customer 201", "POST invoice 201", "POST invoice 201"]
    stripe.post(f"customers/{customer}", name="Renamed")
    assert desk.settle() == ["POST customer 200"]
