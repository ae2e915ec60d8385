"""Requests of real and of broken clients never cause a 500.

See docs/api-evidence.md, What clients do.
"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
from hub_api import Api, customer, invoice, payment

from headrace.testkit.hub import RunningHub


def test_requests_without_a_body_may_have_a_json_content_type(api: Api) -> None:
    api.post("/customers", customer("C"))
    assert api.call("GET", "/customers/external:C").status == 200
    assert api.call("GET", "/customers").status == 200
    assert api.call("DELETE", "/customers/external:C").status == 204


def test_header_names_ignore_case(api: Api) -> None:
    names = {
        "x-api-key": api.headers["X-Api-Key"],
        "X-API-SECRET": api.headers["X-Api-Secret"],
    }
    api.headers = {}
    assert api.call("GET", "/customers", headers=names).status == 200


def test_money_may_be_a_number_or_a_string(api: Api) -> None:
    api.post("/customers", customer("C"))
    for n, amount in enumerate(("1000", 1000.0, 1e3, 1000)):
        assert api.post("/payments", payment(f"{n}", "C", amount))["amount"] == 1000  # type: ignore[arg-type]
    for amount in (10.5, "10.5", "ten", True, None, [], -1, 2**63, "", " 1"):
        sentence = api.refused("POST", "/payments", payment("x", "C", amount))  # type: ignore[arg-type]
        assert sentence.startswith("amount: "), sentence
    assert api.post("/payments", payment("most", "C", 2**63 - 1))["amount"] == 2**63 - 1
    api.post("/payments", payment("as much again", "C", 2**63 - 1))
    assert api.get("/customers/external:C")["balance"] == -2 * (2**63 - 1) - 4000


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("2022-01-01", "2022-01-01T00:00:00.000Z"),
        ("2015-05-05T12:30:00Z", "2015-05-05T12:30:00.000Z"),
        ("2015-05-05T12:30:00", "2015-05-05T12:30:00.000Z"),
        ("2015-05-05T12:30:00+02:00", "2015-05-05T10:30:00.000Z"),
        ("2015-05-05T12:30:00.123456Z", "2015-05-05T12:30:00.123Z"),
    ],
)
def test_dates_are_accepted_in_every_iso_form(api: Api, sent: str, answered: str) -> None:
    api.post("/customers", customer("C"))
    made = api.post("/invoices", invoice("A", "C", issuedAt=sent, dueDate=sent))
    assert (made["issuedAt"], made["dueDate"]) == (answered, answered)
    assert api.get("/invoices/external:A") == made


BAD_BODIES = [
    (b"", "The body is empty: send the fields as a JSON object."),
    (b"{", "The body is not valid JSON: Input data was truncated."),
    (b"[]", "The body can't be used: Expected `object`, got `array`."),
    (b"null", "The body can't be used: Expected `object`, got `null`."),
    (b"\xff\xfe", "The body is not valid JSON: JSON is malformed: invalid character (byte 0)."),
    (b'{"name": "\xff"}', None),
    (b'{"name": "a\\u0000b"}', "The body contains a NUL character: remove it from the text."),
    (b'{"name": "\\ud800"}', None),
    (b'{"name": 5}', None),
    (b'{"unknown": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", None),
    (b'{"paymentMethods": {"a": ' + b"[" * 5_000 + b"]" * 5_000 + b'}, "name": "n"}', None),
    (b'{"name": "n", "contacts": {}}', None),
    (b'{"name": "n", "parent": "x"}', None),
    (b'{"name": "' + b"x" * 10_001 + b'"}', None),
]


@pytest.mark.parametrize(("raw", "sentence"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_bad_bodies_are_400(api: Api, raw: bytes, sentence: str | None) -> None:
    answer = api.call("POST", "/customers", raw=raw)
    if answer.status == 201:
        assert api.call("GET", f"/customers/{answer.body['id']}").status == 200
        return
    assert answer.status == 400, answer.raw
    assert set(answer.body) == {"statusCode", "error", "message", "details"}
    if sentence:
        assert answer.body["message"] == sentence
    assert api.get("/customers")["total"] == 0


def test_a_wrong_currency_and_date_name_their_field(api: Api) -> None:
    api.post("/customers", customer("C"))
    body = invoice("A", "C", currency="EURO")
    assert api.refused("POST", "/invoices", body) == (
        "currency: 'EURO' is not an ISO 4217 currency code, such as EUR."
    )
    answer = api.call("POST", "/invoices", invoice("A", "C", issuedAt="05/05/2015"))
    assert answer.body["details"] == [
        {
            "field": "issuedAt",
            "message": "'05/05/2015' is not an ISO 8601 date or date-time, such as "
            "2015-05-05T12:30:00Z",
        }
    ]


def test_unknown_fields_are_ignored(api: Api) -> None:
    made = api.post("/customers", customer("C", somethingNew={"a": [1]}, portalEnabled=True))
    assert "somethingNew" not in made


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; b=x"]
)
def test_another_content_type_is_415(api: Api, content_type: str) -> None:
    answer = api.call("POST", "/customers", customer("C"), headers={"Content-Type": content_type})
    assert (answer.status, answer.body["error"]) == (415, "Unsupported Media Type")
    fine = {"Content-Type": "application/json; charset=utf-8"}
    assert api.call("POST", "/customers", customer("C"), headers=fine).status == 201


def test_a_body_over_the_limit_is_413(api: Api) -> None:
    answer = api.call("POST", "/customers", raw=b" " * 10_000_001)
    assert answer.status == 413
    assert answer.body["message"] == (
        "The body is larger than 10,000,000 bytes: send less in one request."
    )


def test_a_chunked_body_over_the_limit_is_413(running: RunningHub, api: Api) -> None:
    parts = urlsplit(running.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as sock:
        head = "".join(f"{name}: {value}\r\n" for name, value in api.headers.items())
        sock.sendall(
            f"POST /v1/customers HTTP/1.1\r\nHost: x\r\n{head}Content-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        try:
            for _ in range(12):
                sock.sendall(chunk)
        except OSError:
            pass
        assert sock.recv(100).startswith(b"HTTP/1.1 413 ")


def test_unknown_paths_are_404_and_other_methods_405(api: Api) -> None:
    def message(method: str, path: str, status: int) -> str:
        return api.refused(method, path, status=status)

    assert message("GET", "/nothing", 404) == "There is no GET /v1/nothing in this API."
    assert message("GET", "/dunning-plans", 404) == (
        "There is no GET /v1/dunning-plans in this API. The closest path is /v1/dunning_plans."
    )
    assert message("POST", "/customers/external:C/portalUrl", 404) == (
        "There is no POST /v1/customers/external:C/portalUrl in this API. "
        "The closest path is /v1/customers/external:C/portal."
    )
    assert message("GET", "/Invoice/external:I", 404) == (
        "There is no GET /v1/Invoice/external:I in this API. "
        "The closest path is /v1/invoices/external:I."
    )
    assert message("DELETE", "/customer/external:C", 405)
    assert message("GET", "", 404) == "There is no GET /v1 in this API."
    assert message("GET", "/customers//contacts", 404) == (
        "There is no GET /v1/customers//contacts in this API."
    )
    for path in ("/reminders", "/events", "/activities", "/aging", "/dashboard", "/payment-links"):
        assert message("GET", path, 404).startswith(f"There is no GET /v1{path} in this API.")
    assert message("PATCH", "/customers/external:C", 405) == (
        "PATCH is not served here: this path takes DELETE, GET, PUT."
    )
    assert api.call("PATCH", "/invoices").headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "segment", ["external:%FF", "%00", "external:a%00b", "external:", "x" * 5000, "%", "%zz"]
)
def test_odd_ids_in_paths_are_404(api: Api, segment: str) -> None:
    answer = api.call("GET", f"/customers/{segment}")
    assert answer.status == 404, answer.raw
    assert answer.body["error"] == "Not Found"


def test_a_trailing_slash_does_no_harm(api: Api) -> None:
    api.post("/customers", customer("C"))
    assert api.get("/customers/")["total"] == 1


def test_a_path_outside_of_the_api_is_404_and_says_where_the_api_is(
    running: RunningHub, api: Api
) -> None:
    api.base = ""
    assert api.call("GET", "/healthz").body == {"status": "ok"}
    answer = api.call("GET", "/customers")
    assert (answer.status, answer.body["message"]) == (
        404,
        "There is nothing at /customers: the API is below /v1.",
    )
