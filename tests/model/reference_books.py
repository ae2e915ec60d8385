"""A reference of the hub's behaviour in plain dictionaries, written from docs/hub.md.

Every write gives the status that the hub should answer, and changes the books only on a success.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
End: TypeAlias = tuple[str, str]
"""A document: its kind and its name."""

AMOUNT = {
    "invoices": "grossAmount",
    "credit_notes": "grossAmount",
    "payments": "amount",
    "refunds": "amount",
}
LINKS = {
    "linkedInvoices": ("invoice", "invoices"),
    "linkedPayments": ("payment", "payments"),
    "linkedCreditNotes": ("creditNote", "credit_notes"),
}
_SIDES = {
    "invoices": "invoices",
    "refunds": "refunds",
    "payments": "payments",
    "creditNotes": "credit_notes",
}
_ORGANISATION_CURRENCY = "EUR"


class Refused(Exception):
    """A refused request, with the status of its answer."""

    def __init__(self, status: int) -> None:
        self.status = status


class Books:
    """The expected data of one organisation."""

    def __init__(self) -> None:
        self.customers: dict[str, Row] = {}
        self.documents: dict[End, Row] = {}
        self.links: list[tuple[object, End, End, int]] = []
        """(who owns it: the end that it was posted with or a reconciliation; two ends; amount)."""
        self.fields: set[str] = set()

    def write(self, change: Callable[..., int], *arguments: Any) -> int:
        """Apply a change and return its status; a refused change has no effect."""
        before = copy.deepcopy(self.__dict__)
        try:
            return change(*arguments)
        except Refused as refusal:
            self.__dict__ = before
            return refusal.status

    # customers -------------------------------------------------------------------------------

    def post_customer(self, body: Row) -> int:
        name = body["externalId"]
        new = name not in self.customers
        blank = {"parent": None, "contacts": [], "values": {}, "notes": 0, "manager": None}
        row = self.customers.setdefault(name, blank)
        self._change_customer(name, row, body)
        return 201 if new else 200

    def put_customer(self, name: str, body: Row) -> int:
        self._change_customer(name, self._customer(name), body)
        return 200

    def _change_customer(self, name: str, row: Row, body: Row) -> None:
        if "name" in body:
            row["name"] = body["name"]
        if "parent" in body:
            row["parent"] = body["parent"] and body["parent"]["externalId"]
        if "contacts" in body:
            self._contacts(row, body["contacts"])
        for entry in body.get("customFields", []):
            if entry["externalId"] not in self.fields:
                raise Refused(400)
            row["values"][entry["externalId"]] = entry["value"]
        parent = row["parent"]
        if parent is not None:
            known = self.customers.get(parent)
            grown = any(other["parent"] == name for other in self.customers.values())
            if parent == name or known is None or known["parent"] is not None or grown:
                raise Refused(400)
        self._all_links_hold()

    def delete_customer(self, name: str) -> int:
        self._customer(name)
        children = any(row["parent"] == name for row in self.customers.values())
        if children or any(row["customer"] == name for row in self.documents.values()):
            raise Refused(400)
        del self.customers[name]
        return 204

    def post_note(self, name: str) -> int:
        self._customer(name)["notes"] += 1
        return 201

    def set_manager(self, name: str, user: str | None) -> int:
        row = self._customer(name)
        new = user is not None and user != row["manager"]
        row["manager"] = user
        return 201 if new else 200

    def of_customer(self, name: str, status: int) -> int:
        """Return the status of a request that needs only an existing customer."""
        self._customer(name)
        return status

    def _customer(self, name: str) -> Row:
        if name not in self.customers:
            raise Refused(404)
        return self.customers[name]

    # contacts --------------------------------------------------------------------------------

    def _contacts(self, row: Row, wanted: list[Row]) -> None:
        emails = [contact["email"].lower() for contact in wanted]
        if len(set(emails)) != len(emails):
            raise Refused(400)
        old = {contact["email"].lower(): contact for contact in row["contacts"]}
        row["contacts"] = [
            {"phone": None, "isMain": False} | old.get(entry["email"].lower(), {}) | entry
            for entry in wanted
        ]
        self._one_main(row, [entry["email"] for entry in wanted if entry.get("isMain")])

    def post_contact(self, name: str, body: Row) -> int:
        row = self._customer(name)
        if any(entry["email"].lower() == body["email"].lower() for entry in row["contacts"]):
            raise Refused(400)
        row["contacts"].append({"phone": None, "isMain": False} | body)
        self._one_main(row, [body["email"]] if body.get("isMain") else [])
        return 201

    def change_contact(self, name: str, place: int, body: Row) -> int:
        row = self._customer(name)
        contact = row["contacts"][place]
        contact.update(body)
        self._one_main(row, [contact["email"]] if body.get("isMain") else [])
        return 200

    def delete_contact(self, name: str, place: int) -> int:
        row = self._customer(name)
        del row["contacts"][place]
        self._one_main(row, [])
        return 204

    def _one_main(self, row: Row, claims: list[str]) -> None:
        held = [entry["email"] for entry in row["contacts"] if entry["isMain"]]
        everyone = [entry["email"] for entry in row["contacts"]]
        main = (claims[-1:] or held[:1] or everyone[:1] or [None])[0]
        for entry in row["contacts"]:
            entry["isMain"] = entry["email"] == main

    # documents -------------------------------------------------------------------------------

    def post_document(self, kind: str, body: Row) -> int:
        end = (kind, body["externalId"])
        new = end not in self.documents
        if new and ("customer" not in body or "currency" not in body):
            raise Refused(400)
        self.documents.setdefault(end, {"pdf": False})
        self._change_document(end, body)
        return 201 if new else 200

    def put_document(self, kind: str, name: str, body: Row) -> int:
        self._document(kind, name)
        self._change_document((kind, name), body)
        return 200

    def _change_document(self, end: End, body: Row) -> None:
        row = self.documents[end]
        if "customer" in body:
            row["customer"] = body["customer"]["externalId"]
            if row["customer"] not in self.customers:
                raise Refused(400)
        for wire, own in ((AMOUNT[end[0]], "amount"), ("currency", "currency"), ("dueDate", "due")):
            if wire in body:
                row[own] = body[wire]
        for key, (one, kind) in LINKS.items():
            if key in body:
                mine = [link for link in self.links if link[0] == end and link[2][0] == kind]
                self.links = [link for link in self.links if link not in mine]
                for entry in body[key]:
                    other = (kind, entry[one]["externalId"])
                    self.links.append((end, end, other, entry["amountLinked"]))
        self._all_links_hold()

    def delete_document(self, kind: str, name: str) -> int:
        self._document(kind, name)
        end = (kind, name)
        mine = [link for link in self.links if end in link[1:3]]
        if kind != "refunds" and any("refunds" in (a[0], b[0]) for _, a, b, _ in mine):
            raise Refused(400)
        self.links = [link for link in self.links if link not in mine]
        del self.documents[end]
        return 204

    def put_pdf(self, kind: str, name: str) -> int:
        self._document(kind, name)["pdf"] = True
        return 204

    def _document(self, kind: str, name: str) -> Row:
        if (kind, name) not in self.documents:
            raise Refused(404)
        return self.documents[kind, name]

    # links -----------------------------------------------------------------------------------

    def reconcile(self, body: Row) -> int:
        """Reconcile with at most one entry on a side; another test covers how several are split."""
        name = body["externalId"]
        self.links = [link for link in self.links if link[0] != name]
        ends = [
            ((kind, entry["externalId"]), entry["amountLinked"])
            for side, kind in _SIDES.items()
            for entry in body[side]
        ]
        debits = [found for found in ends if found[0][0] in ("invoices", "refunds")]
        credits_ = [found for found in ends if found not in debits]
        if [amount for _, amount in debits] != [amount for _, amount in credits_]:
            raise Refused(400)
        for (debit, amount), (credit, _) in zip(debits, credits_, strict=True):
            self.links.append((name, debit, credit, amount))
        self._all_links_hold()
        return 201

    def _all_links_hold(self) -> None:
        for _, one, other, _ in self.links:
            if one not in self.documents or other not in self.documents:
                raise Refused(400)
            here, there = self.documents[one], self.documents[other]
            if here["currency"] != there["currency"]:
                raise Refused(400)
            if not self._one_family(here["customer"], there["customer"]):
                raise Refused(400)
        for end, row in self.documents.items():
            if self.applied(end) > row["amount"]:
                raise Refused(400)

    def _one_family(self, one: str, other: str) -> bool:
        parents = (self.customers[one]["parent"], self.customers[other]["parent"])
        return one == other or parents[0] == other or parents[1] == one

    # custom fields ---------------------------------------------------------------------------

    def define_field(self, name: str) -> int:
        new = name not in self.fields
        self.fields.add(name)
        return 201 if new else 200

    def delete_field(self, name: str) -> int:
        if name not in self.fields:
            raise Refused(404)
        self.fields.remove(name)
        for row in self.customers.values():
            row["values"].pop(name, None)
        return 204

    # what follows ----------------------------------------------------------------------------

    def applied(self, end: End) -> int:
        return sum(amount for _, one, other, amount in self.links if end in (one, other))

    def open(self, end: End) -> int:
        return int(self.documents[end]["amount"]) - self.applied(end)

    def state(self, name: str, now: datetime) -> str:
        end = ("invoices", name)
        if self.open(end) == 0:
            return "PAID"
        return "OVERDUE" if self.documents[end]["due"] < now.date().isoformat() else "DUE"

    def standing(self, name: str, now: datetime) -> Row:
        """Return the expected sums in a customer's answer."""
        family = {other for other, row in self.customers.items() if row["parent"] == name} | {name}
        ours = [end for end, row in self.documents.items() if row["customer"] in family]
        currencies = {self.documents[end]["currency"] for end in ours}
        currency = currencies.pop() if len(currencies) == 1 else _ORGANISATION_CURRENCY
        signs = {"invoices": 1, "refunds": 1, "payments": -1, "credit_notes": -1}
        counted = [end for end in ours if self.documents[end]["currency"] == currency]

        def summed(state: str) -> int:
            names = [end for end in counted if end[0] == "invoices"]
            return sum(self.open(end) for end in names if self.state(end[1], now) == state)

        def count(state: str) -> int:
            names = [end[1] for end in ours if end[0] == "invoices"]
            return sum(self.state(one, now) == state for one in names)

        return {
            "currency": currency,
            "balance": sum(signs[end[0]] * self.open(end) for end in counted),
            "amountDue": summed("DUE"),
            "amountOverdue": summed("OVERDUE"),
            "countInvoicesDue": count("DUE"),
            "countInvoicesOverdue": count("OVERDUE"),
        }
