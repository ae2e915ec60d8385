"""The receivables of a generated company as a seed: the API calls that import them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from random import Random
from typing import Any

from headrace.control.seed_line import SeedLine
from headrace.testkit.billing.changes import minor_of
from headrace.testkit.billing.database import Row
from headrace.testkit.billing.family import families
from headrace.testkit.billing.profile import COMPANIES

Tables = dict[str, list[Row]]
Links = dict[tuple[str, int], list[Row]]
"""Rows of `applied` by their source."""


class CompanyProfiles:
    """The companies of `COMPANIES`, for the control plane."""

    @property
    def names(self) -> Sequence[str]:
        return tuple(COMPANIES)

    def lines(self, profile: str, entities: int, number: int, today: date) -> list[SeedLine]:
        tables: Tables = defaultdict(list)
        for rows in families(Random(number), today, entities, COMPANIES[profile]):
            for table, more in rows.items():
                tables[table] += more
        return list(_lines(tables))


def _lines(tables: Tables) -> Iterator[SeedLine]:
    """Yield the calls, each after those that make what it refers to; documents by date."""
    people: dict[int, list[Row]] = defaultdict(list)
    for row in tables["people"]:
        people[row[1]].append(row)
    links: Links = defaultdict(list)
    for row in tables["applied"]:
        links[row[0], row[1]].append(row)
    currencies = {row[0]: row[6] for row in tables["bills"]}
    bills = sorted(tables["bills"], key=lambda row: (row[4], row[0]))
    invoices = [row for row in bills if row[2] == "INVOICE"]
    credits = [row for row in bills if row[2] == "CREDIT"]
    for row in tables["clients"]:
        yield _line("/customers", _customer(row, people[row[0]]))
    for row in invoices:
        yield _line("/invoices", _bill(row) | {"dueDate": row[5]})
    for row in credits:
        settled = _settled(links["CREDIT", row[0]], currencies)
        yield _line("/credit_notes", _bill(row) | {"linkedInvoices": settled})
    for row in sorted(tables["money_in"], key=lambda row: (row[2], row[0])):
        settled = _settled(links["RECEIPT", row[0]], currencies)
        yield _line("/payments", _money(row, "p") | {"linkedInvoices": settled})
    for row in sorted(tables["money_out"], key=lambda row: (row[2], row[0])):
        yield _line("/refunds", _money(row, "r") | _given_back(links["PAYOUT", row[0]], row[3]))


def _line(path: str, body: dict[str, Any]) -> SeedLine:
    return SeedLine(method="POST", path=path, body=body)


def _customer(row: Row, people: list[Row]) -> dict[str, Any]:
    number, name, vat, ledger, street, postcode, town, country, parent = row
    body: dict[str, Any] = {
        "externalId": f"c{number}",
        "name": name,
        "accountingRef": ledger,
        "address": {"address": street, "zipcode": postcode, "city": town, "country": country},
        "contacts": [_contact(person) for person in people],
    }
    if vat:
        body["vatNumber"] = vat
    if parent:
        body["parent"] = {"externalId": f"c{parent}"}
    return body


def _contact(row: Row) -> dict[str, Any]:
    number, _, given, family, mail, phone, role, main = row
    return {
        "externalId": f"p{number}",
        "firstName": given,
        "lastName": family,
        "email": mail.replace("'", ""),
        "phone": phone,
        "position": role,
        "isMain": bool(main),
    }


def _bill(row: Row) -> dict[str, Any]:
    currency = row[6]
    return {
        "externalId": _bill_id(row[0], row[2]),
        "customId": row[1],
        "customer": {"externalId": f"c{row[3]}"},
        "issuedAt": row[4],
        "currency": currency,
        "grossAmount": minor_of(row[7], currency),
        "netAmount": minor_of(row[8], currency),
        "name": row[9],
    }


def _bill_id(number: int, kind: str) -> str:
    return f"i{number}" if kind in ("INVOICE", "BILL") else f"n{number}"


def _money(row: Row, letter: str) -> dict[str, Any]:
    number, client, day, currency, amount, method, reference = row
    return {
        "externalId": f"{letter}{number}",
        "customer": {"externalId": f"c{client}"},
        "validatedAt": day,
        "currency": currency,
        "amount": minor_of(amount, currency),
        "instrument": method,
        "refNumber": reference,
    }


def _settled(links: Iterable[Row], currencies: dict[int, str]) -> list[dict[str, Any]]:
    return [
        {
            "amountLinked": minor_of(amount, currencies[target]),
            "invoice": {"externalId": f"i{target}"},
        }
        for _, _, _, target, amount in links
    ]


def _given_back(links: Iterable[Row], currency: str) -> dict[str, Any]:
    given: dict[str, list[dict[str, Any]]] = {"linkedPayments": [], "linkedCreditNotes": []}
    for _, _, kind, target, amount in links:
        part = {"amountLinked": minor_of(amount, currency)}
        if kind == "RECEIPT":
            given["linkedPayments"].append(part | {"payment": {"externalId": f"p{target}"}})
        else:
            given["linkedCreditNotes"].append(part | {"creditNote": {"externalId": f"n{target}"}})
    return given
