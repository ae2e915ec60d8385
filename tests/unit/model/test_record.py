"""Decoding and encoding records: one clear error that names the field."""

import msgspec
import pytest

from headrace.model.contact import Contact
from headrace.model.customer import Customer
from headrace.model.entity import ENTITIES
from headrace.model.errors import BadRequest
from headrace.model.invoice import Invoice
from headrace.model.payment import Payment
from headrace.model.record import UNSET, canonical, decode, encode

GUIDE_INVOICE = b"""{"customId": "INV123456", "externalId": "54a65b4c32",
  "issuedAt": "2015-05-05T12:30:00Z", "dueDate": "2015-06-05T12:30:00Z", "currency": "EUR",
  "grossAmount": 1700, "netAmount": 1500, "customer": {"externalId": "1a2c3b"}}"""

GUIDE_CUSTOMER = b"""{"externalId": "1a2c3b", "name": "Upflow SAS",
  "address": {"address": "25 Passage Dubail", "zipcode": "75010", "city": "Paris",
              "country": "France"},
  "parent": {"externalId": "1a2c3c"},
  "contacts": [{"firstName": "John", "lastName": "Doe", "phone": "+33678059778",
                "email": "john@example.com", "position": "ACCOUNTING", "externalId": "1a2c3d",
                "isMain": true}]}"""


def test_the_guides_invoice_survives_the_way_in_and_out() -> None:
    invoice = decode(Invoice, GUIDE_INVOICE)
    assert invoice.gross_amount == 1700
    assert invoice.issued_at == "2015-05-05T12:30:00.000Z"
    assert msgspec.json.decode(encode(invoice)) == {
        **msgspec.json.decode(GUIDE_INVOICE),
        "issuedAt": "2015-05-05T12:30:00.000Z",
        "dueDate": "2015-06-05T12:30:00.000Z",
    }


def test_the_guides_customer_survives_the_way_in_and_out() -> None:
    customer = decode(Customer, GUIDE_CUSTOMER)
    assert msgspec.json.decode(encode(customer)) == msgspec.json.decode(GUIDE_CUSTOMER)
    assert customer.vat_number is UNSET


def test_canonical_json_does_not_depend_on_the_order_of_fields() -> None:
    body = canonical(decode(Invoice, GUIDE_INVOICE))
    shuffled = dict(reversed(msgspec.json.decode(GUIDE_INVOICE).items()))
    assert canonical(decode(Invoice, msgspec.json.encode(shuffled))) == body
    assert b" " not in body.replace(b"2015", b"")
    assert list(msgspec.json.decode(body)) == sorted(msgspec.json.decode(body))


@pytest.mark.parametrize("amount", [b"1000", b'"1000"', b"1000.0"])
def test_an_amount_may_be_a_number_or_its_text(amount: bytes) -> None:
    assert decode(Payment, b'{"amount": ' + amount + b"}").amount == 1000


@pytest.mark.parametrize(
    ("record", "body", "field", "word"),
    [
        (Payment, b'{"amount": 10.5}', "amount", "int"),
        (Payment, b'{"amount": -1}', "amount", ">= 0"),
        (Payment, b'{"amount": "ten"}', "amount", "int"),
        (Payment, b'{"amount": 9223372036854775808}', "amount", "<="),
        (Payment, b'{"amount": true}', "amount", "int"),
        (Payment, b'{"currency": "EURO"}', "currency", "ISO 4217"),
        (Payment, b'{"validatedAt": "tomorrow"}', "validatedAt", "ISO 8601"),
        (Payment, b'{"linkedInvoices": [{"amountLinked": 1}]}', "linkedInvoices[0].invoice", "req"),
        (
            Payment,
            b'{"linkedInvoices": [{"amountLinked": 0, "invoice": {"id": "x"}}]}',
            "linkedInvoices[0].amountLinked",
            ">= 1",
        ),
        (Customer, b'{"contacts": [{"firstName": "A"}]}', "contacts[0].email", "required"),
        (Customer, b'{"name": 7}', "name", "str"),
    ],
)
def test_an_error_names_the_field(
    record: type[Payment] | type[Customer], body: bytes, field: str, word: str
) -> None:
    with pytest.raises(BadRequest) as error:
        decode(record, body)  # type: ignore[type-var]
    assert [name for name, _ in error.value.details] == [field]
    assert str(error.value).startswith(f"{field}: ")
    assert word in str(error.value)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"nonsense", b'{"name": "\xff"}', b'{"name": "a\\u0000b"}']
)
def test_a_broken_body_is_one_clear_error(body: bytes) -> None:
    with pytest.raises(BadRequest, match="The body"):
        decode(Customer, body)


def test_a_deeply_nested_body_is_refused() -> None:
    with pytest.raises(BadRequest):
        decode(Customer, b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("2022-01-01", "2022-01-01T00:00:00.000Z"),
        ("2022-01-01T10:00:00", "2022-01-01T10:00:00.000Z"),
        ("2022-01-01T10:00:00+02:00", "2022-01-01T08:00:00.000Z"),
        ("2022-01-01T10:00:00.1234Z", "2022-01-01T10:00:00.123Z"),
    ],
)
def test_a_date_has_one_spelling(text: str, normal: str) -> None:
    payment = decode(Payment, msgspec.json.encode({"validatedAt": text}))
    assert payment.validated_at == normal


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(b"false", ""), (b'""', ""), (b'" \\t"', ""), (b'" a "', " a "), (b"null", None)],
)
def test_text_is_emptied_in_every_way_that_clients_know(sent: bytes, kept: str | None) -> None:
    contact = decode(Contact, b'{"email": "a@x.test", "phone": %s}' % sent)
    assert contact.phone == kept
    assert contact.first_name is UNSET


def test_true_is_no_text() -> None:
    with pytest.raises(BadRequest, match="firstName: true is no text"):
        decode(Contact, b'{"email": "a@x.test", "firstName": true}')


def test_of_customers_alone_an_external_id_is_required() -> None:
    required = {entity.name: "external_id" in entity.required for entity in ENTITIES}
    assert required == {
        "customer": True, "invoice": False, "credit_note": False, "payment": False,
        "refund": False,
    }  # fmt: skip
