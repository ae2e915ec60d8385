"""Custom fields: definitions, values, the filter."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from headrace.testkit.conformance.evidence import (
    GUIDE,
    REFERENCE,
    assumed,
    documented,
    observed,
)
from headrace.testkit.conformance.expect import has, part, same, true
from headrace.testkit.conformance.session import Session

_POST, _GET = "POST /custom_fields", "GET /custom_fields"
_CUSTOMER, _PUT = "POST /customers", "PUT /customers/{}"


def _body(s: Session, text: str, kind: str = "SELECT", entity: str = "CUSTOMER") -> dict[str, Any]:
    return {
        "externalId": s.name(text),
        "label": f"Field {s.name(text)}",
        "description": "custom field description",
        "dataType": kind,
        "entityType": entity,
    }


async def _field(s: Session, text: str, kind: str = "SELECT") -> dict[str, Any]:
    return await s.entity("POST", "/custom_fields", _body(s, text, kind))


async def _value(s: Session, text: str) -> Any:
    found = await s.get(s.at("/customers", "C"))
    has(found, ["customFields"], "the customer")
    values = {entry.get("externalId"): entry for entry in found["customFields"]}
    has(values, [s.name(text)], "customFields")
    return values[s.name(text)]["value"]


@documented(f"{GUIDE}, Create custom fields", _POST)
async def one_is_created(s: Session) -> None:
    """SELECT and MULTI_SELECT fields of customers, payments and credit notes: 201."""
    for kind in ("SELECT", "MULTI_SELECT"):
        for entity in ("CUSTOMER", "PAYMENT", "CREDIT_NOTE"):
            body = _body(s, f"{kind}-{entity}", kind, entity)
            has(await s.status(201, "POST", "/custom_fields", body), ["id"], "the field")


@documented(f"{GUIDE}, List customers", _GET, _POST)
async def they_are_listed_with_their_ids(s: Session) -> None:
    """The list shows the `id` that filters and values need."""
    made = await _field(s, "F")
    page = await s.get("/custom_fields?limit=500")
    lists = [value for value in page.values() if isinstance(value, list)]
    true(len(lists) == 1, "the answer has no list")
    true(any(entry.get("id") == made["id"] for entry in lists[0]), "the new field is not listed")


@documented(f"{GUIDE}, Create custom fields", _PUT)
async def a_label_is_made_by_writing_it(s: Session) -> None:
    """A PUT of a customer creates and assigns a label of a SELECT; labels are case-sensitive."""
    field = await _field(s, "F")
    await s.customer("C")
    for name in ({"id": field["id"]}, {"externalId": s.name("F")}):
        for label in ("One", "one"):
            body = {"customFields": [{**name, "value": {"label": label}}]}
            await s.done("PUT", s.at("/customers", "C"), body)
            part(await _value(s, "F"), {"label": label}, "the value")


@documented(f"{GUIDE}, Create custom fields", _CUSTOMER)
async def several_labels_at_an_import(s: Session) -> None:
    """An import of a customer creates and assigns the labels of a MULTI_SELECT."""
    field = await _field(s, "F", "MULTI_SELECT")
    both = [{"label": "One"}, {"label": "Two"}]
    entry = {"id": field["id"], "externalId": s.name("F"), "value": both}
    await s.customer("C", customFields=[entry])
    labels = sorted(str(value.get("label")) for value in await _value(s, "F"))
    same(labels, ["One", "Two"], "the labels")


@documented(f"{GUIDE}, Create custom fields", _CUSTOMER)
async def an_import_defines_none(s: Session) -> None:
    """A value of a field that does not exist does not create the field."""
    body = {"externalId": s.name("C"), "name": "C"}
    values = [{"externalId": s.name("nothing"), "value": {"label": "One"}}]
    await s.call("POST", "/customers", {**body, "customFields": values})
    page = await s.get("/custom_fields?limit=500")
    true(s.name("nothing") not in str(page), "the field was made")


@documented(f"{GUIDE}, List customers", "GET /customers")
async def customers_are_filtered_by_a_value(s: Session) -> None:
    """`customFieldsData_<id>.eq=` lists the customers with that value, percent-encoded."""
    field = await _field(s, "F")
    for name, label in (("C", "Huguenel Motorbikes Inc"), ("D", "Another")):
        entry = {"id": field["id"], "value": {"label": label}}
        await s.customer(name, customFields=[entry])
    value = quote("Huguenel Motorbikes Inc")
    page = await s.get(f"/customers?customFieldsData_{field['id']}.eq={value}")
    names = [entry.get("externalId") for entry in page.get("customers", [])]
    same(names, [s.name("C")], "the customers listed")


@documented(f"{GUIDE}, List customers", "GET /customers")
async def the_filters_other_spelling(s: Session) -> None:
    """The guide's pattern spells it `customFieldData_<id>.eq=`."""
    field = await _field(s, "F")
    for name, label in (("C", "One"), ("D", "Two")):
        await s.customer(name, customFields=[{"id": field["id"], "value": {"label": label}}])
    page = await s.get(f"/customers?customFieldData_{field['id']}.eq=Two")
    names = [entry.get("externalId") for entry in page.get("customers", [])]
    same(names, [s.name("D")], "the customers listed")


@observed(REFERENCE, "DELETE /custom_fields/{}")
async def one_is_deleted(s: Session) -> None:
    """A field is deleted by its `id`."""
    field = await _field(s, "F")
    await s.done("DELETE", f"/custom_fields/{field['id']}")
    page = await s.get("/custom_fields?limit=500")
    true(field["id"] not in str(page), "the field is still listed")


@observed(REFERENCE, "GET /customers/{}")
async def a_value_says_where_it_is_from(s: Session) -> None:
    """A value is answered with the field's ids and a `source`; it may be null."""
    field = await _field(s, "F", "TEXT")
    await s.customer("C", customFields=[{"id": field["id"], "value": "x"}])
    for value in ("x", None):
        entry = {"id": field["id"], "value": value}
        await s.done("PUT", s.at("/customers", "C"), {"customFields": [entry]})
        shown = (await s.get(s.at("/customers", "C")))["customFields"]
        expected = {"id": field["id"], "externalId": s.name("F"), "value": value}
        part(shown[0], {**expected, "source": "USER_DEFINED"}, "the value")


@assumed(_CUSTOMER)
async def other_types(s: Session) -> None:
    """TEXT, NUMBER, BOOLEAN and DATE take scalars; a date is answered like all dates."""
    given = {"TEXT": "x", "NUMBER": 4.5, "BOOLEAN": False, "DATE": "2016-01-01"}
    values = []
    for kind, value in given.items():
        field = await _field(s, kind, kind)
        values.append({"id": field["id"], "value": value})
    await s.customer("C", customFields=values)
    for kind, value in {**given, "DATE": "2016-01-01T00:00:00.000Z"}.items():
        same(await _value(s, kind), value, f"the value of {kind}")


@assumed(_CUSTOMER)
async def fields_that_are_not_named_stay(s: Session) -> None:
    """Custom fields that an import does not name keep their values."""
    for name in "FG":
        await _field(s, name, "TEXT")
        await s.customer("C", customFields=[{"externalId": s.name(name), "value": name}])
    same([await _value(s, "F"), await _value(s, "G")], ["F", "G"], "the values")


@assumed(_CUSTOMER, "POST /payments", _POST)
async def what_is_refused(s: Session) -> None:
    """An unknown field, a wrong value, a payment's value, another data type are 400."""
    await _field(s, "F", "NUMBER")
    for entry in (
        {"externalId": s.name("nothing"), "value": 1},
        {"externalId": s.name("F"), "value": "many"},
        {"value": 1},
    ):
        body = {"externalId": s.name("C"), "name": "C", "customFields": [entry]}
        await s.status(400, "POST", "/customers", body)
    await s.customer("C")
    values = [{"externalId": s.name("F"), "value": 1}]
    await s.status(400, "POST", "/payments", s.payment_body("P", "C", customFields=values))
    await s.status(400, "POST", "/custom_fields", _body(s, "F", "TEXT"))


@assumed("GET /customers")
async def other_filters_are_refused(s: Session) -> None:
    """A filter by a field that does not exist, or with another operator than `.eq`, is 400."""
    field = await _field(s, "F", "TEXT")
    await s.status(400, "GET", f"/customers?customFieldsData_{field['id']}.gt=1")
    nothing = "00000000-0000-4000-8000-000000000000"
    await s.status(400, "GET", f"/customers?customFieldsData_{nothing}.eq=1")


@assumed("POST /invoices", _POST)
async def invoices_have_them_too(s: Session) -> None:
    """An import of an invoice accepts a value of an INVOICE field, and answers show it."""
    body = _body(s, "F", "TEXT", "INVOICE")
    field = await s.entity("POST", "/custom_fields", body)
    await s.customer("C")
    made = await s.invoice("I", "C", customFields=[{"id": field["id"], "value": "x"}])
    part(made["customFields"][0], {"id": field["id"], "value": "x"}, "the value")


@documented(f"{GUIDE}, Create custom fields", "POST /custom_fields", "GET /custom_fields")
async def the_singular_is_served(s: Session) -> None:
    """The guide's `/custom_field` is served like `/custom_fields`."""
    found = await s.get("/custom_field?limit=1")
    has(found, ["items"], "the answer of /custom_field")
    await s.refused("POST", "/custom_field", {"label": s.name("none")})
