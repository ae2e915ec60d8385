"""Addresses with passwords of any kind, and messages that never show them."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from headrace.sources.address import Address, masked


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20))
def test_an_encoded_password_is_read_as_it_is(password: str) -> None:
    address = Address(
        f"mysql://bob:{quote(password, safe='')}@db.acme.test:3306/billing?ssl_mode=x"
    )
    assert (address.user, address.password) == ("bob", password)
    assert (address.host, address.port, address.database) == ("db.acme.test", 3306, "billing")
    assert address.parameters == {"ssl_mode": "x"}


@given(st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), min_size=3, max_size=20))
def test_an_address_is_shown_without_the_password_even_if_that_is_not_encoded(
    password: str,
) -> None:
    address = Address(f"postgresql://bob:{password}/x:s3cr@t@db.acme.test/billing")
    assert address.shown == "db.acme.test/billing"
    assert "s3cr" not in masked(f"could not translate host name {address.url}", address.secrets)


def test_a_short_password_hides_no_letters_of_other_words() -> None:
    words = 'password authentication failed for user "reader" of r'
    assert masked(words, ("r",)) == 'password authentication failed for user "reader" of ***'


def test_a_long_password_is_hidden_wherever_it_is() -> None:
    assert masked("host=xhunter2hunter2y", ("hunter2hunter2",)) == "host=x***y"


def test_secrets_in_parameters_are_known() -> None:
    address = Address("postgresql://127.0.0.1/x?user=bob&password=s3cr%40t&sslpassword=other")
    assert {"s3cr@t", "s3cr%40t", "other"} <= set(address.secrets)


def test_an_at_sign_in_a_parameter_belongs_to_it() -> None:
    address = Address("postgresql://db.acme.test/x?user=bob@acme")
    assert (address.shown, address.user) == ("db.acme.test/x", "")


def test_a_host_may_be_an_ipv6_address() -> None:
    address = Address("mysql://u@[::1]:3307/b")
    assert (address.host, address.port) == ("::1", 3307)
