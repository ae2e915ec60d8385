"""Random writes in any order, compared with a small reference, on both engines.

After each step every answer equals what the reference expects, and the database's own check finds
nothing. What fails is printed as curl lines.
"""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from reference_books import AMOUNT, Books, End

from headrace.testkit.billing.pdf import small_pdf
from inside import Inside, inside
from postgres import fresh_database

ENGINES = ("sqlite", "postgresql")
NAMES = st.sampled_from(("A", "B", "C", "D"))
KINDS = st.sampled_from(tuple(AMOUNT))
AMOUNTS = st.integers(1, 12)
PEOPLE = ("ann@x.io", "bob@x.io", "cyd@x.io", "ANN@x.io")
PDF = base64.b64encode(small_pdf("a document")).decode()


def ref(name: str) -> dict[str, str]:
    return {"externalId": name}


def links(kind: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    entry = st.builds(lambda name, n: {kind: ref(name), "amountLinked": n}, NAMES, AMOUNTS)
    return st.lists(entry, max_size=2)


PARENTS = st.none() | NAMES.map(ref)
CONTACTS = st.lists(
    st.builds(
        lambda email, main: {"email": email} | ({"isMain": True} if main else {}),
        st.sampled_from(PEOPLE),
        st.booleans(),
    ),
    max_size=3,
)
VALUES = st.builds(
    lambda name, value: [{"externalId": name, "value": value}],
    st.sampled_from(("F", "G")),
    st.sampled_from(("x", "y", None)),
)
CUSTOMER = st.fixed_dictionaries(
    {}, optional={"parent": PARENTS, "contacts": CONTACTS, "customFields": VALUES}
)
DOCUMENT = st.fixed_dictionaries(
    {"customer": NAMES.map(ref), "currency": st.sampled_from(("EUR", "EUR", "EUR", "USD"))},
    optional={
        "amount": AMOUNTS,
        "dueDate": st.sampled_from(("2026-11-20", "2026-11-25", "2026-12-20")),
        "linkedInvoices": links("invoice"),
        "linkedPayments": links("payment"),
        "linkedCreditNotes": links("creditNote"),
    },
)
OF_KIND = {
    "invoices": (),
    "credit_notes": ("linkedInvoices",),
    "payments": ("linkedInvoices",),
    "refunds": ("linkedPayments", "linkedCreditNotes"),
}


def body_of(kind: str, drawn: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that this kind of document has, with its own names."""
    body = {key: value for key, value in drawn.items() if key in ("customer", "currency")}
    body |= {key: value for key, value in drawn.items() if key in OF_KIND[kind]}
    if "amount" in drawn:
        body[AMOUNT[kind]] = drawn["amount"]
    if kind == "invoices" and "dueDate" in drawn:
        body["dueDate"] = drawn["dueDate"]
    return body


def whole(kind: str, name: str, drawn: dict[str, Any]) -> dict[str, Any]:
    """Return a body with all fields that a new record needs."""
    body = {"externalId": name, AMOUNT[kind]: 12, **body_of(kind, drawn)}
    if kind in ("payments", "refunds"):
        return body | {"validatedAt": "2026-11-01"}
    if kind == "invoices":
        body = {"dueDate": "2026-11-25", "issuedAt": "2026-11-01"} | body
    return body | {"customId": f"No {name}", "netAmount": 1}


class HubMachine(RuleBasedStateMachine):
    """Random requests to hub and reference; each run uses a new organisation of `hub`."""

    hub: Inside
    reference: type[Books] = Books

    @initialize()
    def start(self) -> None:
        self.sent: list[str] = []
        self.books = self.reference()
        self.hub.new_organisation()
        self.user = self.hub.user
        for customer in "ABC":
            parent = {"parent": ref("A")} if customer == "B" else {}
            body = {**self._named(customer), **parent}
            self.send(self.books.post_customer, "POST", "/customers", None, body)
        for kind in AMOUNT:
            for name in "AB":
                body = whole(kind, name, {"customer": ref(name), "currency": "EUR"})
                self.request(
                    self.books.write(self.books.post_document, kind, body), "POST", f"/{kind}", body
                )

    @staticmethod
    def _named(name: str) -> dict[str, Any]:
        return {"externalId": name, "name": f"Customer {name}"}

    def send(self, change: Any, method: str, path: str, name: str | None, *told: Any) -> None:
        """Send a request to both; `told` are the arguments of the reference's change, body last."""
        body = told[-1] if told and isinstance(told[-1], dict) else None
        arguments = told if name is None else (name, *told)
        expected = self.books.write(change, *arguments)
        self.request(expected, method, path, body)

    def request(self, expected: int, method: str, path: str, body: Any = None) -> None:
        self.sent.append(curl(method, path, body))
        status, answer = self.hub.call(method, path, body)
        assert status == expected, f"{status}, not {expected}: {answer}{self.story()}"

    def story(self) -> str:
        """Return all requests so far, as commands for an empty organisation."""
        return "\n" + "\n".join(self.sent)

    # customers and what is below them --------------------------------------------------------

    @rule(name=NAMES, body=CUSTOMER)
    def post_customer(self, name: str, body: dict[str, Any]) -> None:
        whole_body = {**self._named(name), **body}
        self.send(self.books.post_customer, "POST", "/customers", None, whole_body)

    @rule(name=NAMES, body=CUSTOMER)
    def put_customer(self, name: str, body: dict[str, Any]) -> None:
        self.send(self.books.put_customer, "PUT", f"/customers/external:{name}", name, body)

    @rule(name=NAMES)
    def delete_customer(self, name: str) -> None:
        self.send(self.books.delete_customer, "DELETE", f"/customers/external:{name}", name)

    @rule(name=NAMES, email=st.sampled_from(PEOPLE), main=st.booleans())
    def post_contact(self, name: str, email: str, main: bool) -> None:
        path = f"/customers/external:{name}/contacts"
        body = {"email": email, "isMain": main}
        self.send(self.books.post_contact, "POST", path, name, body)

    @rule(name=NAMES, place=st.integers(0, 2), phone=st.sampled_from(("1", None, "gone")))
    def change_contact(self, name: str, place: int, phone: str | None) -> None:
        """Change a contact, or delete it."""
        if (path := self._contact(name, place)) is None:
            return
        if phone == "gone":
            expected = self.books.write(self.books.delete_contact, name, place)
            self.request(expected, "DELETE", path)
        else:
            body = {"phone": phone}
            expected = self.books.write(self.books.change_contact, name, place, body)
            self.request(expected, "PUT", path, body)

    def _contact(self, name: str, place: int) -> str | None:
        if place >= len(self.books.customers.get(name, {}).get("contacts", ())):
            return None
        path = f"/customers/external:{name}/contacts"
        contacts = self.hub.call("GET", path)[1]["contacts"]
        return f"{path}/{contacts[place]['id']}"

    @rule(name=NAMES, what=st.sampled_from(("notes", "manager", "nobody", "portal", "summary")))
    def beside(self, name: str, what: str) -> None:
        """Send requests about notes, account managers, portal links and open items."""
        books, path = self.books, f"/customers/external:{name}"
        if what == "notes":
            expected = books.write(books.post_note, name)
            self.request(expected, "POST", f"{path}/notes", {"content": "Called."})
        elif what in ("manager", "nobody"):
            user = self.user if what == "manager" else None
            expected = books.write(books.set_manager, name, user)
            self.request(expected, "POST", f"{path}/account-managers", {"id": user})
        elif what == "portal":
            self.request(books.write(books.of_customer, name, 201), "POST", f"{path}/portal")
        else:
            expected = books.write(books.of_customer, name, 200)
            self.request(expected, "POST", f"{path}/customer_summary")

    @rule(name=st.sampled_from(("F", "G")), goes=st.sampled_from((False, False, True)))
    def field(self, name: str, goes: bool) -> None:
        """Create or delete the definition of a custom field."""
        if goes:
            expected = self.books.write(self.books.delete_field, name)
            self.request(expected, "DELETE", f"/custom_fields/external:{name}")
            return
        body = {"externalId": name, "label": name, "dataType": "TEXT", "entityType": "CUSTOMER"}
        expected = self.books.write(self.books.define_field, name)
        self.request(expected, "POST", "/custom_fields", body)

    # documents -------------------------------------------------------------------------------

    @rule(kind=KINDS, name=NAMES, drawn=DOCUMENT)
    def post_document(self, kind: str, name: str, drawn: dict[str, Any]) -> None:
        body = whole(kind, name, drawn)
        expected = self.books.write(self.books.post_document, kind, body)
        self.request(expected, "POST", f"/{kind}", body)
        if expected < 300:
            again = self.books.write(self.books.post_document, kind, body)
            self.request(again, "POST", f"/{kind}", body)

    @rule(
        link=st.sampled_from(
            (
                ("payments", "linkedInvoices", "invoice"),
                ("credit_notes", "linkedInvoices", "invoice"),
                ("refunds", "linkedPayments", "payment"),
                ("refunds", "linkedCreditNotes", "creditNote"),
            )
        ),
        name=st.sampled_from("AB"),
        others=st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 8)), max_size=2),
    )
    def link(self, link: tuple[str, str, str], name: str, others: list[tuple[str, int]]) -> None:
        """Add links to existing records, or remove them."""
        kind, key, one = link
        body = {key: [{one: ref(other), "amountLinked": n} for other, n in others]}
        expected = self.books.write(self.books.put_document, kind, name, body)
        self.request(expected, "PUT", f"/{kind}/external:{name}", body)

    @rule(kind=KINDS, name=NAMES, drawn=DOCUMENT, keys=st.sets(st.integers(0, 6), max_size=3))
    def put_document(self, kind: str, name: str, drawn: dict[str, Any], keys: set[int]) -> None:
        body = body_of(kind, drawn)
        body = {key: body[key] for number, key in enumerate(body) if number in keys}
        expected = self.books.write(self.books.put_document, kind, name, body)
        self.request(expected, "PUT", f"/{kind}/external:{name}", body)

    @rule(kind=KINDS, name=NAMES)
    def delete_document(self, kind: str, name: str) -> None:
        expected = self.books.write(self.books.delete_document, kind, name)
        self.request(expected, "DELETE", f"/{kind}/external:{name}")

    @rule(kind=st.sampled_from(("invoices", "credit_notes")), name=NAMES)
    def upload(self, kind: str, name: str) -> None:
        expected = self.books.write(self.books.put_pdf, kind, name)
        self.request(expected, "POST", f"/{kind}/external:{name}/pdf", {"data": PDF})

    @rule(
        name=st.sampled_from(("r1", "r2")),
        sides=st.none()
        | st.tuples(
            st.sampled_from(("invoices", "refunds")), st.sampled_from(("payments", "creditNotes"))
        ),
        names=st.tuples(NAMES, NAMES),
        amount=AMOUNTS,
        more=st.sampled_from((0, 0, 0, 1)),
    )
    def reconcile(
        self, name: str, sides: Any, names: tuple[str, str], amount: int, more: int
    ) -> None:
        body: dict[str, Any] = {"externalId": name}
        body |= {side: [] for side in ("invoices", "payments", "creditNotes", "refunds")}
        for side, other, n in zip(sides or (), names, (amount, amount + more), strict=False):
            body[side] = [{"externalId": other, "amountLinked": n}]
        self.request(self.books.write(self.books.reconcile, body), "POST", "/reconcile", body)

    @rule(days=st.integers(1, 20))
    def days_pass(self, days: int) -> None:
        self.sent.append(f"# {days} days pass")
        self.hub.clock.move(days)

    # what must be true after each step ---------------------------------------------------------

    @invariant()
    def answers_are_as_expected(self) -> None:
        found = {kind: self._listed(kind) for kind in ("customers", *AMOUNT)}
        expected = {"customers": {n: self._customer(n) for n in self.books.customers}}
        for kind in AMOUNT:
            names = [name for of, name in self.books.documents if of == kind]
            expected[kind] = {name: self._document(kind, name) for name in names}
        for kind, rows in expected.items():
            seen = {name: project(row, rows.get(name, {})) for name, row in found[kind].items()}
            differ = [
                f"{kind} {name}: {seen.get(name)}, expected {rows.get(name)}"
                for name in sorted(seen.keys() | rows.keys())
                if seen.get(name) != rows.get(name)
            ]
            assert not differ, "\n".join(differ) + self.story()

    @invariant()
    def the_database_is_sound(self) -> None:
        assert self.hub.findings() == [], self.story()

    def _listed(self, kind: str) -> dict[str, Any]:
        status, page = self.hub.call("GET", f"/{kind}?limit=500")
        assert status == 200
        (rows,) = (value for value in page.values() if isinstance(value, list))
        assert page["total"] == len(rows)
        return {row["externalId"]: row for row in rows}

    def _customer(self, name: str) -> dict[str, Any]:
        row = self.books.customers[name]
        kept = ("email", "phone", "isMain")
        return {
            "name": row["name"],
            "parent": row["parent"],
            "accountManagerId": row["manager"],
            "contacts": [{key: entry[key] for key in kept} for entry in row["contacts"]],
            "customFields": row["values"],
            **self.books.standing(name, self.hub.clock.now()),
        }

    def _document(self, kind: str, name: str) -> dict[str, Any]:
        end = (kind, name)
        row = self.books.documents[end]
        expected = {"currency": row["currency"], AMOUNT[kind]: row["amount"]}
        if kind in ("invoices", "credit_notes"):
            expected["pdfUrl"] = row["pdf"]
        if kind == "invoices":
            expected["amountOutstanding"] = self.books.open(end)
            expected["state"] = self.books.state(name, self.hub.clock.now())
            paid = [link for link in self.books.links if end in link[1:3]]
            expected["payments"] = sum(
                link[3] for link in paid if "payments" in (link[1][0], link[2][0])
            )
            return expected
        expected |= {"amountLinked": self.books.applied(end), "customer": row["customer"]}
        if kind != "refunds":
            expected["linkedInvoices"] = sorted(
                (amount, *(other[1] for other in ends if other[0] == "invoices"))
                for _, *ends, amount in self.books.links
                if end in ends and any(other[0] == "invoices" for other in ends)
            )
        return expected


def project(row: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the part of an answer that the reference has."""
    shown = {key: row[key] for key in wanted}
    if shown.get("parent"):
        shown["parent"] = row["parent"]["externalId"]
    if "contacts" in shown:
        kept = ("email", "phone", "isMain")
        shown["contacts"] = [{key: entry[key] for key in kept} for entry in row["contacts"]]
    if "customFields" in shown:
        shown["customFields"] = {one["externalId"]: one["value"] for one in row["customFields"]}
    if "pdfUrl" in shown:
        shown["pdfUrl"] = row["pdfUrl"] is not None
    if "payments" in shown:
        shown["payments"] = sum(entry["amount"] for entry in row["payments"])
    if "customer" in shown:
        shown["customer"] = row["customer"]["externalId"]
    if "linkedInvoices" in shown:
        shown["linkedInvoices"] = sorted(
            (link["linkedAmount"], link["invoice"]["externalId"]) for link in row["linkedInvoices"]
        )
    return shown


def curl(method: str, path: str, body: Any) -> str:
    """Return the request as a shell command; KEY and SECRET are variables with the key pair."""
    line = f'curl -X {method} "$HUB/v1{path}" -H "X-Api-Key: $KEY" -H "X-Api-Secret: $SECRET"'
    if body is None:
        return line
    return f'{line} -H "Content-Type: application/json" -d {shlex.quote(json.dumps(body))}'


@pytest.fixture(params=ENGINES)
def hub(request: pytest.FixtureRequest) -> Iterator[Inside]:
    with ExitStack() as stack:
        url = None
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres_server")
            url = stack.enter_context(fresh_database(server))
        yield stack.enter_context(inside(url))


def _run(
    hub: Inside, examples: int, steps: int, *, repeatable: bool, books: type[Books] = Books
) -> None:
    class Machine(HubMachine):
        reference = books

    Machine.hub = hub
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=repeatable,
            # Making a failure small takes minutes: the long test does.
            phases=[Phase.generate] if repeatable else [Phase.generate, Phase.shrink],
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_hub_keeps_the_books_of_the_reference(hub: Inside) -> None:
    _run(hub, 4, 20, repeatable=True)


@pytest.mark.parametrize("hub", ["sqlite"], indirect=True)
def test_a_difference_is_reported_with_the_requests_that_led_to_it(hub: Inside) -> None:
    class Wrong(Books):
        def applied(self, end: End) -> int:
            return super().applied(end) + (end == ("payments", "B"))

    with pytest.raises(AssertionError, match=r"customers A: .*expected .*'balance': 1") as failed:
        _run(hub, 1, 1, repeatable=True, books=Wrong)
    lines = str(failed.value).splitlines()
    told = [line.strip() for line in lines if line.strip().startswith("curl ")]
    assert len(told) == 11
    assert told[0].startswith('curl -X POST "$HUB/v1/customers" -H "X-Api-Key: $KEY"')
    assert json.loads(shlex.split(told[0])[-1]) == {"externalId": "A", "name": "Customer A"}


@pytest.mark.soak
def test_the_hub_keeps_the_books_of_the_reference_at_length(hub: Inside) -> None:
    _run(hub, 300, 50, repeatable=False)
