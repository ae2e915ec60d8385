"""Custom fields: definitions, values on customers and invoices, the filter."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hub_api import ANY_ID, ANY_TIME, Api, credit_note, customer, invoice, payment


def field(external_id: str, data_type: str = "TEXT", **more: Any) -> dict[str, Any]:
    return {
        "externalId": external_id,
        "label": f"Field {external_id}",
        "description": "custom field description",
        "dataType": data_type,
        "entityType": "CUSTOMER",
        **more,
    }


def label(text: str) -> dict[str, str]:
    return {"label": text}


def written(definition: dict[str, Any], value: Any) -> dict[str, Any]:
    return {
        "id": definition["id"],
        "externalId": definition["externalId"],
        "value": value,
        "source": "USER_DEFINED",
    }


def test_definitions_are_created_listed_and_deleted(api: Api) -> None:
    made = api.post("/custom_fields", field("123", "SELECT"))
    assert made == {
        "id": ANY_ID,
        "externalId": "123",
        "label": "Field 123",
        "description": "custom field description",
        "dataType": "SELECT",
        "entityType": "CUSTOMER",
        "selectValues": [],
        "createdAt": ANY_TIME,
    }
    minimal = {"label": "Note", "dataType": "TEXT", "entityType": "PAYMENT"}
    plain = api.post("/custom_fields", minimal)
    assert plain == {
        **minimal,
        "id": ANY_ID,
        "externalId": None,
        "description": None,
        "createdAt": ANY_TIME,
    }
    page = {"offset": 0, "limit": 50, "total": 2, "items": [plain, made]}
    assert api.get("/custom_fields") == page
    assert api.get("/custom_fields?limit=1&offset=1")["items"] == [made]
    assert api.call("DELETE", f"/custom_fields/{plain['id']}").status == 204
    assert api.call("DELETE", "/custom_fields/external:123").status == 204
    assert api.get("/custom_fields") == {"offset": 0, "limit": 50, "total": 0, "items": []}
    assert api.refused("DELETE", "/custom_fields/external:123", status=404) == (
        "There is no custom field with externalId 123."
    )


def test_a_repeated_definition_is_the_same_field(api: Api) -> None:
    made = api.post("/custom_fields", field("1"))
    again = api.post("/custom_fields", field("1", label="Other"), status=200)
    assert again == {**made, "label": "Other"}
    assert api.refused("POST", "/custom_fields", field("1", "NUMBER")) == (
        "dataType: custom field 1 is TEXT and a data type never changes; delete the field, or use "
        "another externalId."
    )
    other = api.post("/custom_fields", field("1", entityType="INVOICE"))
    assert other["id"] != made["id"], "an externalId is unique per entity"
    sentence = api.refused("DELETE", "/custom_fields/external:1")
    assert sentence == (
        "Several custom fields have the externalId 1: name one by id, "
        f"{made['id']} of CUSTOMER, {other['id']} of INVOICE."
    )


@pytest.mark.parametrize(
    ("change", "start"),
    [
        ({"label": ""}, "label: "),
        ({"dataType": "MONEY"}, "dataType: "),
        ({"entityType": "REFUND"}, "entityType: "),
    ],
)
def test_bad_definitions_are_refused(api: Api, change: dict[str, Any], start: str) -> None:
    assert api.refused("POST", "/custom_fields", field("1", **change)).startswith(start)
    assert api.refused("POST", "/custom_fields", {"label": "x"}).endswith("is required.")
    assert api.get("/custom_fields")["total"] == 0


def test_values_are_written_by_id_or_external_id_and_others_stay(api: Api) -> None:
    text = api.post("/custom_fields", field("text"))
    number = api.post("/custom_fields", field("number", "NUMBER"))
    unnamed = api.post("/custom_fields", {**field("x", "BOOLEAN"), "externalId": None})
    body = customer("C", customFields=[{"id": text["id"], "externalId": "text", "value": "one"}])
    made = api.post("/customers", body)
    assert made["customFields"] == [written(text, "one")]
    both = [{"externalId": "number", "value": 5}, {"id": unnamed["id"], "value": True}]
    put = api.call("PUT", "/customers/external:C", {"customFields": both})
    assert put.status == 200
    assert put.body == {
        **made,
        "customFields": [written(text, "one"), written(number, 5), written(unnamed, True)],
    }
    assert api.get("/customers/external:C") == put.body
    assert api.get("/customers")["customers"] == [put.body]
    same = api.post("/customers", customer("C", customFields=[]), status=200)
    assert same == put.body
    emptied = [{"id": text["id"], "value": None}]
    api.call("PUT", "/customers/external:C", {"customFields": emptied})
    assert api.get("/customers/external:C")["customFields"][0] == written(text, None)
    assert api.call("DELETE", f"/custom_fields/{number['id']}").status == 204
    assert api.get("/customers/external:C")["customFields"] == [
        written(text, None),
        written(unnamed, True),
    ]
    echoed = {"customFields": api.get("/customers/external:C")["customFields"]}
    assert api.call("PUT", "/customers/external:C", echoed).status == 200


def test_labels_are_created_on_write_and_are_case_sensitive(api: Api) -> None:
    one = api.post("/custom_fields", field("one", "SELECT"))
    many = api.post("/custom_fields", field("many", "MULTI_SELECT"))
    values = [
        {"externalId": "one", "value": label("One")},
        {"externalId": "many", "value": [label("a"), label("B"), label("a")]},
    ]
    made = api.post("/customers", customer("C", customFields=values))
    assert made["customFields"] == [
        written(one, label("One")),
        written(many, [label("a"), label("B")]),
    ]
    values = [{"id": one["id"], "value": label("one")}, {"id": many["id"], "value": []}]
    put = api.call("PUT", "/customers/external:C", {"customFields": values})
    assert put.body["customFields"] == [written(one, label("one")), written(many, [])]
    listed = api.get("/custom_fields")["items"]
    assert listed == [
        {**many, "selectValues": [label("a"), label("B")]},
        {**one, "selectValues": [label("One"), label("one")]},
    ]


ACCEPTED = [
    ("TEXT", "", ""),
    ("TEXT", "ä 'quoted' %", "ä 'quoted' %"),
    ("TEXT", "x" * 10_000, "x" * 10_000),
    ("NUMBER", 10.50, 10.5),
    ("NUMBER", "0010.500", 10.5),
    ("NUMBER", -0, 0),
    ("NUMBER", "1e3", 1000),
    ("NUMBER", "123456789012345678.901", 123456789012345678.901),
    ("DATE", "2015-05-05", "2015-05-05T00:00:00.000Z"),
    ("DATE", "2015-05-05T12:30:00+02:00", "2015-05-05T10:30:00.000Z"),
    ("BOOLEAN", False, False),
    ("SELECT", {"label": "x" * 250, "id": "ignored"}, {"label": "x" * 250}),
]


@pytest.mark.parametrize(("data_type", "sent", "answered"), ACCEPTED)
def test_values_of_each_type_are_stored(api: Api, data_type: str, sent: Any, answered: Any) -> None:
    made = api.post("/custom_fields", field("f", data_type))
    body = customer("C", customFields=[{"externalId": "f", "value": sent}])
    assert api.post("/customers", body)["customFields"] == [written(made, answered)]
    assert api.post("/customers", body, status=200)["customFields"] == [written(made, answered)]


REFUSED = [
    ("TEXT", 5, "takes a text of at most 10,000 characters"),
    ("TEXT", "x" * 10_001, "takes a text of at most 10,000 characters"),
    ("NUMBER", "ten", "takes a number of at most 30 digits, such as 10.5"),
    ("NUMBER", True, "takes a number of at most 30 digits, such as 10.5"),
    ("NUMBER", "1e31", "takes a number of at most 30 digits, such as 10.5"),
    ("NUMBER", "NaN", "takes a number of at most 30 digits, such as 10.5"),
    ("DATE", "05/05/2015", "takes an ISO 8601 date or date-time, such as 2015-05-05"),
    ("DATE", 5, "takes an ISO 8601 date or date-time, such as 2015-05-05"),
    ("BOOLEAN", "true", "takes true or false"),
    ("SELECT", "One", 'takes a label of 1 to 250 characters, such as {"label": "One"}'),
    ("SELECT", label(""), 'takes a label of 1 to 250 characters, such as {"label": "One"}'),
    ("SELECT", [label("a")], 'takes a label of 1 to 250 characters, such as {"label": "One"}'),
    (
        "MULTI_SELECT",
        label("a"),
        'takes a list of labels of 1 to 250 characters, such as [{"label": "One"}]',
    ),
]


@pytest.mark.parametrize(("data_type", "sent", "sentence"), REFUSED)
def test_wrong_values_are_refused(api: Api, data_type: str, sent: Any, sentence: str) -> None:
    api.post("/custom_fields", field("f", data_type))
    body = customer("C", customFields=[{"externalId": "f", "value": sent}])
    assert api.refused("POST", "/customers", body) == (
        f"customFields[0].value: custom field f {sentence}."
    )
    assert api.get("/customers")["total"] == 0


def test_a_value_without_a_known_field_is_refused(api: Api) -> None:
    made = api.post("/custom_fields", field("f"))
    other = api.post("/custom_fields", field("g"))
    api.post("/custom_fields", field("of payments", entityType="PAYMENT"))
    invoices = api.post("/custom_fields", field("of invoices", entityType="INVOICE"))

    def refusal(*entries: dict[str, Any]) -> str:
        return api.refused("POST", "/customers", customer("C", customFields=list(entries)))

    assert refusal({"externalId": "nothing", "value": 1}) == (
        "customFields[0]: no custom field with externalId nothing exists; make it with POST "
        "/custom_fields first."
    )
    assert refusal({"value": 1}) == (
        "customFields[0]: needs the id or the externalId of the custom field."
    )
    assert refusal({"externalId": "f"}) == (
        "customFields[0].value: is required; null empties the field."
    )
    assert refusal({"id": made["id"], "externalId": "g", "value": "x"}) == (
        "customFields[0]: id and externalId are those of two different custom fields."
    )
    assert refusal({"externalId": "g", "value": "x"}, {"id": other["id"], "value": "y"}) == (
        "customFields[1]: custom field g is in the list twice."
    )
    assert refusal({"id": invoices["id"], "value": "x"}) == (
        "customFields[0]: custom field of invoices is one of INVOICE, not of CUSTOMER."
    )
    assert refusal({"externalId": "of payments", "value": "x"}).startswith(
        "customFields[0]: no custom field with externalId of payments exists"
    )


def test_values_of_payments_and_credit_notes_are_assigned_by_people(api: Api) -> None:
    api.post("/custom_fields", field("p", entityType="PAYMENT"))
    api.post("/custom_fields", field("n", entityType="CREDIT_NOTE"))
    api.post("/customers", customer("C"))
    for path, body, noun in (
        ("/payments", payment("P", "C"), "payment"),
        ("/credit_notes", credit_note("N", "C"), "credit note"),
    ):
        values = [{"externalId": noun[0], "value": "x"}]
        assert api.refused("POST", path, {**body, "customFields": values}) == (
            f"customFields: values of custom fields of a {noun} are assigned by people, not by "
            "the API; leave them out."
        )
        assert "customFields" not in api.post(path, {**body, "customFields": []})


def test_invoices_have_values_too(api: Api) -> None:
    made = api.post("/custom_fields", field("po", entityType="INVOICE"))
    api.post("/customers", customer("C"))
    plain = api.post("/invoices", invoice("A", "C"))
    assert "customFields" not in plain
    values = [{"externalId": "po", "value": "4711"}]
    valued = api.post("/invoices", invoice("A", "C", customFields=values), status=200)
    assert valued == {**plain, "customFields": [written(made, "4711")]}
    api.post("/invoices", invoice("B", "C", customFields=values))
    assert api.get("/invoices/external:A") == valued
    assert [entry["customFields"] for entry in api.get("/invoices")["invoices"]] == [
        [written(made, "4711")]
    ] * 2
    assert api.call("DELETE", "/invoices/external:B").status == 204
    assert api.call("DELETE", f"/custom_fields/{made['id']}").status == 204
    assert api.get("/invoices/external:A")["customFields"] == []


def names(api: Api, query: str, **more: Any) -> tuple[int, list[str]]:
    page = api.get(f"/customers?{query}")
    return page["total"], [entry["externalId"] for entry in page["customers"]]


def test_the_filter_accepts_both_spellings(api: Api) -> None:
    text = api.post("/custom_fields", field("text"))["id"]
    select = api.post("/custom_fields", field("many", "MULTI_SELECT"))["id"]
    company = "Huguenel Motorbikes Inc & Söhne"
    for n in range(9):
        values: list[dict[str, Any]] = [{"id": text, "value": company if n % 3 else "other"}]
        if n % 2:
            values.append({"id": select, "value": [label("odd"), label(f"{n}")]})
        api.post("/customers", customer(f"{n}", customFields=values))
    for name in ("customFieldsData", "customFieldData"):
        for spelled in (quote(company), quote(company).replace("%20", "+")):
            query = f"{name}_{text}.eq={spelled}"
            assert names(api, query) == (6, ["8", "7", "5", "4", "2", "1"])
            assert names(api, f"{query}&limit=2&offset=1") == (6, ["7", "5"])
            assert names(api, f"{query}&limit=2&offset=4") == (6, ["2", "1"])
            assert names(api, f"{query}&limit=2&offset=6") == (6, [])
    assert names(api, f"customFieldsData_{text}.eq=nobody") == (0, [])
    assert names(api, f"customFieldsData_{select}.eq=odd") == (4, ["7", "5", "3", "1"])
    assert names(api, f"customFieldsData_{select}.eq=Odd") == (0, [])
    both = f"customFieldsData_{select}.eq=odd&customFieldData_{text}.eq={quote(company)}"
    assert names(api, both) == (3, ["7", "5", "1"])
    assert names(api, f"{both}&limit=1&offset=1") == (3, ["5"])
    for entry in api.get(f"/customers?{both}")["customers"]:
        assert entry == api.get(f"/customers/{entry['id']}")


def test_the_filters_total_follows_every_change(api: Api) -> None:
    made = api.post("/custom_fields", field("f"))["id"]
    query = f"customFieldsData_{made}.eq=x"
    for name in "ABC":
        api.post("/customers", customer(name, customFields=[{"id": made, "value": "x"}]))
    assert names(api, query) == (3, ["C", "B", "A"])
    api.call("PUT", "/customers/external:A", {"customFields": [{"id": made, "value": "y"}]})
    api.call("PUT", "/customers/external:B", {"customFields": [{"id": made, "value": None}]})
    assert names(api, query) == (1, ["C"])
    assert names(api, query.replace("=x", "=y")) == (1, ["A"])
    assert api.call("DELETE", "/customers/external:C").status == 204
    assert names(api, query) == (0, [])
    api.call("DELETE", f"/custom_fields/{made}")
    assert api.refused("GET", f"/customers?{query}") == (
        f"customFieldsData_{made}.eq: there is no custom field of customers called {made}."
    )


FILTERS = [
    ("NUMBER", "10.50", "10.5", True),
    ("NUMBER", 1000, "1e3", True),
    ("DATE", "2015-05-05", "2015-05-05T02:00:00%2B02:00", True),
    ("BOOLEAN", True, "TRUE", True),
    ("BOOLEAN", True, "false", False),
    ("TEXT", "", "", True),
    ("TEXT", "y" * 9_000, "y" * 9_000, True),
    ("TEXT", "y" * 9_000, "y" * 8_999, False),
    ("SELECT", {"label": "a=b&c"}, "a%3Db%26c", True),
]


@pytest.mark.parametrize(("data_type", "value", "text", "found"), FILTERS)
def test_the_filter_works_for_each_type(
    api: Api, data_type: str, value: Any, text: str, found: bool
) -> None:
    made = api.post("/custom_fields", field("f", data_type))["id"]
    api.post("/customers", customer("C", customFields=[{"id": made, "value": value}]))
    api.post("/customers", customer("D"))
    expected = (1, ["C"]) if found else (0, [])
    assert names(api, f"customFieldsData_{made}.eq={text}") == expected


def test_an_invalid_filter_is_refused(api: Api) -> None:
    made = api.post("/custom_fields", field("f", "NUMBER"))["id"]
    assert api.refused("GET", f"/customers?customFieldsData_{made}.eq=ten") == (
        f"customFieldsData_{made}.eq: custom field f takes a number of at most 30 digits, such as "
        "10.5."
    )
    assert api.refused("GET", f"/customers?customFieldsData_{made}.in=1") == (
        f"customFieldsData_{made}.in: write customFieldsData_<id>.eq=<value>; there is no other "
        "comparison."
    )
    assert api.get("/customers?customFieldsDate=1")["total"] == 0


def test_fields_of_another_organisation_do_not_exist(api: Api, new_api: Any) -> None:
    made = api.post("/custom_fields", field("f"))
    other = new_api()
    assert other.get("/custom_fields")["total"] == 0
    assert other.call("DELETE", f"/custom_fields/{made['id']}").status == 404
    body = customer("C", customFields=[{"id": made["id"], "value": "x"}])
    assert "no custom field with id" in other.refused("POST", "/customers", body)
    assert "there is no custom field" in other.refused(
        "GET", f"/customers?customFieldsData_{made['id']}.eq=x"
    )
