"""Customers for the tests of the portal: one with everything, one with very many invoices, one with
nothing, and names that are hard to show."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.request import Request, urlopen

from headrace.testkit.hub import RunningHub

PDF = b"%PDF-1.4 bill"
ARABIC = "شركة النور للتجارة والمقاولات"
LONG = "Gesellschaft für die Beschaffung und Verteilung von Verbrauchsmaterialien" * 3


class Company:
    """An organisation of a hub, as a program and as its people use it."""

    def __init__(self, running: RunningHub, name: str) -> None:
        pair = running.add_organisation(name)
        self._headers = {"X-Api-Key": pair.key, "X-Api-Secret": pair.secret}
        self._url = running.url
        self.running = running
        self.name = name

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the API; it must succeed."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json", **self._headers}
        request = Request(self._url + path, data, headers, method=method)
        with urlopen(request, timeout=30) as got:
            text = got.read()
        return json.loads(text) if text else None

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the control plane."""
        return self.running.control.call(method, f"/organisations/{self.name}{path}", body)

    def customer(self, id: str, name: str, **fields: Any) -> None:
        self.call("POST", "/customers", {"externalId": id, "name": name, **fields})

    def invoice(self, id: str, owner: str, amount: int, due: str, **fields: Any) -> None:
        body = {
            "externalId": id,
            "customId": f"INV-{id}",
            "issuedAt": "2026-01-02",
            "dueDate": due,
            "currency": "EUR",
            "grossAmount": amount,
            "netAmount": amount,
            "customer": {"externalId": owner},
        }
        self.call("POST", "/invoices", {**body, **fields})

    def link(self, customer: str, **options: Any) -> str:
        """Return the address of a customer's portal."""
        made = self.call("POST", f"/customers/external:{customer}/portal", options)
        return str(made["url"])

    def many(self, owner: str, count: int) -> None:
        """Give a customer many open invoices, by one seed."""
        lines = []
        for number in range(count):
            day = f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"
            body = {
                "externalId": f"many-{number}",
                "customId": f"M-{number:05}",
                "issuedAt": "2025-12-01",
                "dueDate": day,
                "currency": "EUR",
                "grossAmount": 1000 + number,
                "netAmount": 1000 + number,
                "customer": {"externalId": owner},
            }
            lines.append(json.dumps({"method": "POST", "path": "/invoices", "body": body}))
        self.control("POST", "/seed", "\n".join(lines).encode())


def company_with_everything(running: RunningHub, name: str) -> Company:
    """An organisation that shows all that a portal can: on 27 November 2026."""
    company = Company(running, name)
    company.control("POST", "/clock/freeze", {"at": "2026-11-27T10:00:00Z"})
    company.control(
        "POST",
        "/bank_accounts",
        {"name": "Main account", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX"},
    )
    company.control(
        "PUT", "/portal",
        {
            "name": "Contoso Supplies", "colour": "#a4262c", "payments": "on",
            "contactName": "Ada Lovelace", "contactEmail": "ada@contoso.example",
            "contactPhone": "+44 20 7946 0000",
        },
    )  # fmt: skip
    data = base64.b64encode(PDF).decode()
    company.control("POST", "/portal/documents", {"name": "Terms of delivery.pdf", "data": data})
    company.customer("C", "Nordwind AG", accountingRef="D-1001")
    company.customer("south", "Nordwind Süd <b>GmbH</b>", parent={"externalId": "C"})
    company.invoice("1", "C", 123456, "2026-10-01")
    company.invoice("2", "C", 30000, "2026-11-27")
    company.invoice("3", "south", 98765, "2026-12-24")
    company.invoice("4", "C", 500000, "2026-11-01", currency="USD")
    company.invoice("5", "C", 7000, "2026-12-31", currency="JPY")
    company.invoice("paid", "C", 2500, "2026-09-01")
    company.call("POST", "/invoices/external:1/pdf", {"data": data})
    company.call(
        "POST", "/payments",
        {
            "externalId": "P", "currency": "EUR", "amount": 4500, "validatedAt": "2026-09-05",
            "refNumber": "Transfer 42", "customer": {"externalId": "C"},
            "linkedInvoices": [{"amountLinked": 2500, "invoice": {"externalId": "paid"}}],
        },
    )  # fmt: skip
    company.call(
        "POST", "/credit_notes",
        {
            "externalId": "N", "customId": "CN-7", "currency": "EUR", "grossAmount": 1500,
            "netAmount": 1500, "customer": {"externalId": "C"},
        },
    )  # fmt: skip
    return company
