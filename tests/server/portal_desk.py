"""An organisation and a customer in its portal."""

from __future__ import annotations

from typing import Any

from hub_api import Api, customer, invoice

from headrace.testkit.hub import RunningHub
from portal_reader import Reader


class Desk:
    """An organisation with one customer, its child and some invoices."""

    def __init__(self, running: RunningHub, api: Api) -> None:
        self.api = api
        self.hub = running.control
        self.control("POST", "/clock/freeze", {"at": "2026-11-27T10:00:00Z"})
        api.post("/customers", customer("C", name="Nordwind", accountingRef="D-1"))
        api.post("/customers", customer("child", name="Süd", parent={"externalId": "C"}))
        self.ids = {}
        for name, owner, amount, due, fields in (
            ("late", "C", 12345, "2026-10-01", {}),
            ("now", "C", 1000, "2026-11-27", {}),
            ("later", "child", 2000, "2026-12-24", {}),
            ("dollar", "C", 500, "2026-11-01", {"currency": "USD"}),
        ):
            made = api.post("/invoices", invoice(name, owner, amount, dueDate=due, **fields))
            self.ids[name] = made["id"]
        self.reader = Reader(api.post("/customers/external:C/portal", {})["url"])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return self.hub.call(method, f"/organisations/{self.api.organisation}{path}", body)

    def settings(self, **settings: Any) -> Any:
        return self.control("PUT", "/portal", settings)

    def invoice(self, name: str) -> Any:
        return self.api.get(f"/invoices/external:{name}")
