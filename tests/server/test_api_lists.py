"""Pages: envelopes, clamping, order, the customer filter."""

from __future__ import annotations

from typing import Any

import pytest
from hub_api import Api, credit_note, customer, invoice, payment

from headrace.store.records import page

LISTS = [
    ("/customers", "customers", 1000),
    ("/invoices", "invoices", 500),
    ("/credit_notes", "items", 500),
    ("/payments", "items", 500),
    ("/refunds", "items", 500),
]


@pytest.mark.parametrize(("path", "key", "cap"), LISTS)
def test_an_empty_list_has_its_envelope(api: Api, path: str, key: str, cap: int) -> None:
    assert api.get(path) == {"offset": 0, "limit": 50, "total": 0, key: []}
    assert api.get(f"{path}?limit=9999&offset=7") == {
        "offset": 7,
        "limit": cap,
        "total": 0,
        key: [],
    }


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("limit=0", "limit must be a whole number of at least 1, not '0'."),
        ("limit=-1", "limit must be a whole number of at least 1, not '-1'."),
        ("limit=x", "limit must be a whole number of at least 1, not 'x'."),
        ("limit=", "limit must be a whole number of at least 1, not ''."),
        ("limit=1.5", "limit must be a whole number of at least 1, not '1.5'."),
        ("limit=%C2%B2", "limit must be a whole number of at least 1, not '²'."),
        ("offset=-1", "offset must be a whole number of at least 0, not '-1'."),
        (
            "offset=99999999999999999999999",
            "offset must be a whole number of at least 0, not '99999999999999999999999'.",
        ),
        ("customerId=a%00b", "The query contains a NUL character: remove it."),
        ("page=0", "page must be a whole number of at least 1, not '0'."),
    ],
)
def test_bad_numbers_are_refused(api: Api, query: str, sentence: str) -> None:
    assert api.refused("GET", f"/invoices?{query}") == sentence


def test_every_page_is_a_slice_of_the_list_from_the_newest(api: Api) -> None:
    api.post("/customers", customer("C"))
    for n in range(23):
        api.post("/invoices", invoice(f"{n}", "C"))
    for gone in ("22", "11", "0"):
        assert api.call("DELETE", f"/invoices/external:{gone}").status == 204
    expected = [str(n) for n in range(22, -1, -1) if n not in (22, 11, 0)]
    for offset in range(25):
        for limit in (1, 3, 7, 50):
            page = api.get(f"/invoices?offset={offset}&limit={limit}")
            names = [entry["externalId"] for entry in page["invoices"]]
            assert names == expected[offset : offset + limit], (offset, limit)
            assert (page["offset"], page["limit"], page["total"]) == (offset, limit, 20)
    second = api.get("/invoices?page=2&limit=6")
    assert second == api.get("/invoices?offset=6&limit=6")


def test_listed_customers_have_their_balances_and_parents(api: Api) -> None:
    for n in range(12):
        fields: dict[str, Any] = {"parent": {"externalId": "0"}} if n % 3 == 2 else {}
        api.post("/customers", customer(f"{n}", **fields))
        api.post("/invoices", invoice(f"{n}", f"{n}", 10**n // 10 + 1))
    everyone = api.get("/customers")["customers"]
    assert [entry["externalId"] for entry in everyone] == [str(n) for n in range(11, -1, -1)]
    for entry in everyone:
        assert entry == api.get(f"/customers/external:{entry['externalId']}")
    for offset in range(0, 12, 4):
        page = api.get(f"/customers?offset={offset}&limit=4")["customers"]
        assert page == everyone[offset : offset + 4]


def test_documents_are_filtered_by_customer(api: Api) -> None:
    ids = [api.post("/customers", customer(name))["id"] for name in ("A", "B/1")]
    for n in range(6):
        owner = "A" if n % 3 else "B/1"
        api.post("/invoices", invoice(f"{n}", owner))
        api.post("/payments", payment(f"{n}", owner))
        api.post("/refunds", payment(f"{n}", owner))
        api.post("/credit_notes", credit_note(f"{n}", owner))
    for path, key, _ in LISTS[1:]:
        everything = api.get(path)[key]
        for value in (ids[1], "external:B/1", "external%3AB%2F1"):
            page = api.get(f"{path}?customerId={value}")
            assert page["total"] == 2
            assert page[key] == [entry for entry in everything if entry["externalId"] in "03"]
        page = api.get(f"{path}?customerId=external:A&offset=1&limit=2")
        assert (page["total"], [entry["externalId"] for entry in page[key]]) == (4, ["4", "2"])
        nobody = api.get(f"{path}?customerId=external:nobody")
        assert nobody == {"offset": 0, "limit": 50, "total": 0, key: []}


def test_other_parameters_are_ignored(api: Api) -> None:
    assert api.get("/invoices?status=PAID&dueDateFrom=2020-01-01&customFieldsData_x.eq=1") == {
        "offset": 0,
        "limit": 50,
        "total": 0,
        "invoices": [],
    }


def test_links_are_the_same_in_a_list_and_in_a_single_read(api: Api) -> None:
    api.post("/customers", customer("C"))
    api.post("/customers", customer("D"))
    for n in range(8):
        api.post("/invoices", invoice(f"{n}", "C", 100))
        api.post("/payments", payment(f"other {n}", "D"))
        links = [
            {"amountLinked": 10, "invoice": {"externalId": f"{k}"}} for k in range(max(0, n - 2), n)
        ]
        api.post("/payments", payment(f"{n}", "C", linkedInvoices=links))
    for path, key in (("/invoices", "invoices"), ("/payments", "items")):
        for query in ("", "?customerId=external:C", "?offset=3&limit=4"):
            for entry in api.get(path + query)[key]:
                assert entry == api.get(f"{path}/{entry['id']}")


def test_values_are_the_same_in_a_list_and_in_a_single_read(api: Api) -> None:
    field = {"label": "Batch", "dataType": "TEXT", "entityType": "INVOICE", "externalId": "batch"}
    api.post("/custom_fields", field)
    api.post("/customers", customer("C"))
    for n in range(6):
        values = [{"externalId": "batch", "value": f"B{n}"}]
        api.post("/invoices", invoice(f"{n}", "C", **({"customFields": values} if n % 2 else {})))
    emptied = [{"externalId": "batch", "value": None}]
    api.post("/invoices", invoice("5", "C", customFields=emptied), status=200)
    for query in ("", "?customerId=external:C", "?offset=1&limit=3"):
        for entry in api.get("/invoices" + query)["invoices"]:
            assert entry == api.get(f"/invoices/{entry['id']}")
    found = [
        [value["value"] for value in entry["customFields"]] if "customFields" in entry else None
        for entry in api.get("/invoices")["invoices"]
    ]
    assert found == [[None], None, ["B3"], None, ["B1"], None]


def test_customers_are_found_by_name_and_values_together(api: Api) -> None:
    field = {"label": "Size", "dataType": "TEXT", "entityType": "CUSTOMER"}
    size = api.post("/custom_fields", field)["id"]
    for n, name in enumerate(("Ada_1", "ADA 2", "Bob ada", "Bob")):
        values = [{"id": size, "value": "even" if n % 2 == 0 else "odd"}]
        api.post("/customers", {**customer(f"{n}"), "name": name, "customFields": values})

    def names(query: str) -> tuple[int, list[str]]:
        found = api.get(f"/customers?{query}")
        return found["total"], [one["name"] for one in found["customers"]]

    assert names("name=ada") == (3, ["Bob ada", "ADA 2", "Ada_1"])
    assert names("name=ada&limit=1&offset=1") == (3, ["ADA 2"])
    assert names("name=a_1") == (1, ["Ada_1"])
    assert names("name=%25") == (0, [])
    assert names("name=") == (4, ["Bob", "Bob ada", "ADA 2", "Ada_1"])
    assert names(f"name=ADA&customFieldsData_{size}.eq=even") == (2, ["Bob ada", "Ada_1"])
    assert names(f"name=zoe&customFieldsData_{size}.eq=even") == (0, [])


def test_payments_of_some_days_are_sorted_too(api: Api) -> None:
    api.post("/customers", customer("C"))
    for n, day in enumerate(("2026-01-30", "2026-02-01", "2026-01-31")):
        api.post("/payments", payment(f"{n}", "C", validatedAt=day))

    def found(query: str) -> tuple[int, list[str]]:
        page = api.get(f"/payments?{query}")
        return page["total"], [one["externalId"] for one in page["items"]]

    assert found("dateFrom=2026-01-31") == (2, ["2", "1"])
    assert found("dateFrom=2026-01-31&sortBy=validatedAt&sortOrder=DESC") == (2, ["1", "2"])
    assert found("dateTo=2026-01-31&limit=1&offset=1") == (2, ["0"])
    ignored = api.call("GET", "/invoices?dateFrom=2026-01-31").headers["x-headrace-ignored"]
    assert ignored == "dateFrom"


def test_a_page_of_very_large_records_is_refused_with_the_limit_that_is_possible(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "PAGE_BYTES", 70_000)
    large = "x" * 34_000
    field = {"label": "Size", "dataType": "TEXT", "entityType": "CUSTOMER"}
    size = api.post("/custom_fields", field)["id"]
    for name in ("A1", "A2", "A3"):
        values = [{"id": size, "value": "L"}]
        address = {"address": large}
        api.post("/customers", {**customer(name), "address": address, "customFields": values})
    api.post("/customers", customer("A4"))
    for name in ("I1", "I2", "I3"):
        api.post("/invoices", {**invoice(name, "A4"), "name": large})
    sentence = "limit must be at most {} here, since the records are very large."
    for path, at_most in (
        ("/customers?", 3),
        ("/customers?offset=1&", 2),
        (f"/customers?customFieldsData_{size}.eq=L&", 2),
        ("/invoices?", 2),
        ("/invoices?customerId=external:A4&", 2),
        ("/invoices?sortBy=createdAt&", 2),
    ):
        assert api.refused("GET", f"{path}limit=500") == sentence.format(at_most), path
        found = api.get(f"{path}limit={at_most}")
        assert len(found[path[1:].partition("?")[0]]) == at_most
