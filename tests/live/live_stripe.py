"""Stripe World, a simulation of Stripe over HTTP, and what merchants do there."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from live_actor import ACTING, free_port, server
from live_cache import environment, python_of

PACKAGE = "seahaven-stripe-world[http]==0.3.0"
KEY = "sk_test_of_the_tests"


def stripe_python() -> Path:
    """A Python with Stripe World. Raises Missing."""
    python = python_of("3.14", "3.13")
    then = [] if "3.14" in python else [ACTING / "stripe_world_older.py"]
    return environment("stripe", python, [PACKAGE], ["--ignore-requires-python"], then)


class Stripe:
    """One account, and what its merchant does there."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, path: str, **fields: Any) -> Any:
        """A POST of form fields, as Stripe's own clients send them."""
        return self._answer(path, urllib.parse.urlencode(list(_flat(fields))).encode())

    def delete(self, path: str) -> None:
        """A DELETE."""
        self._answer(path, None, "DELETE")

    def all(self, path: str) -> list[dict[str, Any]]:
        """All objects of a list."""
        page = self._answer(f"{path}?limit=100")
        found: list[dict[str, Any]] = page["data"]
        while page["has_more"]:
            page = self._answer(f"{path}?limit=100&starting_after={found[-1]['id']}")
            found += page["data"]
        return found

    def _answer(self, path: str, body: bytes | None = None, method: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {KEY}"}
        address = f"{self.url}/v1/{path}"
        request = urllib.request.Request(address, body, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def customer(self, name: str) -> str:
        """A customer with a card."""
        number = self.post("customers", name=name, email="accounts@customer.test")["id"]
        method = self.post("payment_methods", type="card", card={"token": "tok_visa"})["id"]
        self.post(f"payment_methods/{method}/attach", customer=number)
        settings = {"default_payment_method": method}
        self.post(f"customers/{number}", invoice_settings=settings)
        return str(number)

    def draft(self, customer: str, amount: int = 10000) -> str:
        """A draft of an invoice that is sent to the customer."""
        made = self.post(
            "invoices", customer=customer, collection_method="send_invoice", days_until_due=30
        )
        self.post(
            "invoiceitems",
            customer=customer,
            invoice=made["id"],
            amount=amount,
            currency="usd",
        )
        return str(made["id"])

    def invoice(self, customer: str, amount: int = 10000) -> str:
        """An invoice that is finalised."""
        made = self.draft(customer, amount)
        self.post(f"invoices/{made}/finalize")
        return made

    def open_documents(self) -> dict[str, int]:
        """What remains of each invoice, as Stripe says; uncollectible counts as paid."""
        return {one["id"]: one["amount_remaining"] for one in self._open()}

    def balances(self) -> dict[str, int]:
        """What remains of each customer's invoices."""
        owed: Counter[str] = Counter()
        for one in self._open():
            owed[one["customer"]] += one["amount_remaining"]
        return dict(owed)

    def _open(self) -> list[dict[str, Any]]:
        found = self.all("invoices")
        return [one for one in found if one["status"] == "open" and one["amount_remaining"]]


def _flat(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        key = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, Mapping):
            yield from _flat(value, key)
        else:
            yield key, "true" if value is True else str(value)


@contextmanager
def stripe_account(folder: Path) -> Iterator[Stripe]:
    """An account without objects. Raises Missing."""
    python = stripe_python()
    port = free_port()
    options = ["--host", "127.0.0.1", "--port", str(port)]
    options += ["--reset-options", '{"startup": {"livemode": false}}']
    address = f"http://127.0.0.1:{port}"
    with server([python, ACTING / "stripe_world.py", *options], address, folder / "stripe.log"):
        yield Stripe(f"{address}/worlds/live")
