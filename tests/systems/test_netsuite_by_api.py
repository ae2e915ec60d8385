"""NetSuite read by SuiteQL, whose queries a stand-in answers from tables of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from test_netsuite import BASE, document, link
from vendor_account import Account, Request, Vendor, account, same_objects

from headrace.systems.netsuite import suiteql

DENIED = {"title": "Unauthorized", "o:errorDetails": [{"detail": "Invalid login attempt."}]}


def line(number: int, of: int, amount: str, **more: Any) -> dict[str, Any]:
    base = {"id": number, "transaction": of, "mainline": "F", "taxline": "F"}
    return {**base, "foreignamount": amount, **more}


def tables() -> dict[str, list[dict[str, Any]]]:
    booked = {"entity": 1, "expenseaccount": 10}
    made = {
        "customer": [{**BASE["customer"][0], "defaultbillingaddress": 7}],
        "contact": [{"id": 5, "company": 1, "email": "bob@acme.io", "isinactive": "F"}],
        "currency": BASE["currency"],
        "account": BASE["account"],
        "entityaddress": [{"nkey": 7, "city": "Paris"}, {"nkey": 8, "city": "of a vendor"}],
        "transaction": [
            document(1, "CustInvc", "119.00"),
            document(2, "CustCred", "-30.00"),
            document(3, "CustPymt", "60.00"),
            document(4, "Journal", ""),
            document(5, "VendBill", "9.00"),
        ],
        "transactionline": [
            line(0, 1, "119.00", mainline="T"),
            line(1, 1, "-19.00", taxline="T"),
            line(2, 1, "-100.00"),
            line(0, 2, "-30.00", mainline="T"),
            line(0, 3, "60.00", mainline="T"),
            line(0, 4, "-30.00", **booked),
            line(1, 4, "30.00", expenseaccount=11),
            line(0, 5, "9.00", mainline="T"),
        ],
        "previoustransactionlinelink": [
            link(1, 2, "20.00"),
            link(1, 3, "50.00"),
            link(1, 4, "30.00"),
            link(9, 5, "9.00", "OrdBill"),
        ],
    }
    for row in made["previoustransactionlinelink"]:
        row |= {"previousline": 0, "nextline": 1}
    return made


class NetSuite(Vendor):
    """An account without tax numbers and projects, as DuckDB answers its queries."""

    refused = False

    def __init__(self) -> None:
        super().__init__(tables())
        self.database = duckdb.connect()
        self.database.execute(
            "create macro to_char(day, form) as strftime(day::timestamp, '%Y-%m-%d')"
        )
        self.database.execute("create macro to_date(day, form) as day::date")
        self.store()

    def store(self) -> None:
        """Take the objects as they are now."""
        for table, rows in self.objects.items():
            names = [one for one in suiteql._COLUMNS[table] if one != "vatregnumber"]
            more = [] if table == "previoustransactionlinelink" else ["lastmodifieddate"]
            whole = ("id", "transaction", "previousdoc", "nextdoc", "nkey", "entity")
            whole += ("defaultbillingaddress", "company", "customer", "nextline")
            kinds = [f"{n} {'bigint' if n in whole else 'varchar'}" for n in names]
            kinds += ["lastmodifieddate timestamp"] * len(more)
            self.database.execute(f'create or replace table "{table}" ({", ".join(kinds)})')
            default = {"lastmodifieddate": "2026-01-01"}
            values = [[(default | row).get(name) for name in names + more] for row in rows]
            marks = ", ".join("?" * len(names + more))
            if values:
                self.database.executemany(f'insert into "{table}" values ({marks})', values)

    def answered(self, request: Request) -> tuple[int, Any]:
        signed = request.headers["authorization"]
        assert signed.startswith('OAuth realm="1234567_SB1", oauth_consumer_key="ck"')
        assert request.headers["prefer"] == "transient"
        if self.refused:
            return 401, DENIED
        if request.path != "/services/rest/query/v1/suiteql":
            return 404, {}
        query, offset = request.body["q"], int(request.query["offset"])
        assert offset < 100_000
        for name, table in (("vatregnumber", "customer"), ("*", "job")):
            if f"from {table} t" in query and (name in query or name == "*"):
                reason = "Reason: REMOVED - Field is removed."
                detail = f"Field '{name}' for record '{table}' was not found. {reason}"
                return 400, {"title": "Bad Request", "o:errorDetails": [{"detail": detail}]}
        self.asked.append(query)
        found = self.database.execute(f"{query} limit {self.page + 1} offset {offset}")
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        shown = [{"links": []} | {k: v for k, v in r.items() if v is not None} for r in rows]
        return 200, {"items": shown[: self.page], "hasMore": len(rows) > self.page}


@pytest.fixture(scope="module")
def netsuite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    options = {"account": "1234567_SB1", "consumer_key": "ck", "consumer_secret": "consumer-0"}
    options |= {"token_id": "tk", "token_secret": "token-secret-0"}
    folder = tmp_path_factory.mktemp("netsuite")
    with account(folder, "netsuite", NetSuite(), options) as made:
        yield made


def test_what_is_read_is_what_netsuite_has_and_then_what_was_modified(netsuite: Account) -> None:
    vendor: Any = netsuite.vendor
    assert netsuite.sync() == {("1", "EUR"): 11900 - 3000 - 6000 - 3000}
    for table, key in (("customer", "id"), ("contact", "id"), ("currency", "id")):
        assert same_objects(netsuite.rows(table, key), vendor.objects[table], key)
    # Of vendors nothing is read, of invoices only the total and the tax.
    assert netsuite.rows("transaction", "id") == [(1,), (2,), (3,), (4,)]
    assert len(netsuite.rows("transactionline", "id")) == 6
    assert len(netsuite.rows("previoustransactionlinelink", "nextdoc")) == 3
    assert netsuite.rows("entityaddress", "city") == [("Paris",)]

    vendor.clock.seconds += 7200
    now = {"lastmodifieddate": vendor.clock.now().replace(tzinfo=None)}
    objects = vendor.objects
    # The payment is no longer applied, and a new invoice is there; nothing else is asked for.
    objects["transaction"][2] |= {"foreigntotal": "55.00", **now}
    del objects["previoustransactionlinelink"][1]
    objects["transaction"].append(document(6, "CustInvc", "7.00") | now)
    vendor.store()
    assert netsuite.sync() == {("1", "EUR"): 11900 - 3000 - 5500 - 3000 + 700}
    assert netsuite.rows("previoustransactionlinelink", "nextdoc") == [(2,), (4,)]
    lines = [one for one in vendor.asked if "from transactionline" in one]
    assert all("t.transaction in (3, 6)" in one for one in lines)

    # A deletion shows in the number of transactions.
    objects["transaction"] = [one for one in objects["transaction"] if one["id"] != 2]
    vendor.store()
    assert netsuite.sync() == {("1", "EUR"): 11900 - 5500 - 3000 + 700}
    whole = [one for one in vendor.asked if "from transaction t" in one and "to_date" not in one]
    assert len(whole) > 1
    netsuite.stage()
    whole = [one for one in vendor.asked if "from transaction t" in one and "to_date" not in one]
    assert [one.startswith("select count(*)") for one in whole] == [True]


def test_many_rows_of_one_key_are_read_page_by_page(netsuite: Account) -> None:
    vendor: Any = netsuite.vendor
    vendor.clock.seconds += 2 * 86_400
    links = vendor.objects["previoustransactionlinelink"]
    links += [{**link(1, 6, "0.10"), "previousline": 0, "nextline": n} for n in range(7)]
    vendor.store()
    netsuite.stage()
    found = netsuite.rows("previoustransactionlinelink", "nextdoc", "nextline")
    assert [row for row in found if row[0] == 6] == [(6, n) for n in range(7)]


def test_what_is_wrong_is_one_sentence_with_what_to_do(netsuite: Account) -> None:
    vendor: Any = netsuite.vendor
    vendor.refused = True
    said = netsuite.refusal(token_secret="token-secret-9")
    vendor.refused = False
    assert f"answers 401 Unauthorized: {json.dumps(DENIED)}. Check account and the four" in said
    assert "no option colour: there is account, consumer_key" in netsuite.unknown_option()
