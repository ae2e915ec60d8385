"""Keys and addresses as they come from outside: mended where safe, else refused without a leak."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.model.errors import ConfigurationError
from headrace.model.secret_text import check_database_url, check_key, check_target, trimmed


@pytest.mark.parametrize("around", ["\n", "\r\n", " ", "\t", "\u200b", "\ufeff", "\u00a0", "\x00"])
def test_what_can_not_be_seen_around_a_value_is_taken_off(around: str) -> None:
    assert trimmed(f"{around}hunter2{around}", "X") == "hunter2"


@pytest.mark.parametrize("text", ["", " \n", "hun\nter2", "hun\u200bter2", "hun\udcffter2"])
def test_what_can_not_be_right_is_one_sentence_without_the_value(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^The variable KEY ") as caught:
        trimmed(text, "The variable KEY")
    assert "hun" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["“hunter2”", "hunter 2", "hünter2"])
def test_a_key_that_could_not_travel_is_refused(key: str) -> None:
    with pytest.raises(ConfigurationError, match=r"target\.secret has a character"):
        check_key(key, "target.secret")


@pytest.mark.parametrize("url", ["https://u:hunter2@api.test/v1", "https://u:hun/ter2@api.test/v1"])
def test_a_target_with_a_password_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="must not hold a user or password") as caught:
        check_target(url, "target.url")
    assert "ter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://host/db",
        "postgresql:///db?host=/var/run",
        "postgresql://user@host:5432/db",
        "postgresql://user:hunter2@host:5432/db?sslmode=require",
        "postgresql://user:h%2F%40%3Fnter2@h1:5432,h2:5433/db",
        "postgresql://user:hunter2@[::1]:5432/db",
        "postgresql://host/db?user=a@b&password=x",
        "postgresql://user:hunter2@host/db?application_name=a@b",
        "postgresql://@/db",
    ],
)
def test_right_addresses_of_databases_pass(url: str) -> None:
    check_database_url(url, "source.url")


@given(
    st.text("ab1%2F:", max_size=6),
    st.sampled_from("/@?#[]"),
    st.text("ab1/@?#[]:", max_size=6),
    st.sampled_from(["host/db", "host:5432/db", "[::1]/db"]),
)
def test_a_password_that_is_not_encoded_is_recognised(
    before: str, odd: str, after: str, rest: str
) -> None:
    with pytest.raises(ConfigurationError, match="must be percent-encoded") as caught:
        check_database_url(f"postgresql://user:{before}{odd}{after}@{rest}", "source.url")
    assert str(caught.value).startswith("source.url: the password in it")


@pytest.mark.parametrize("password", ["50%off", "100%"])
def test_a_lone_percent_sign_is_recognised(password: str) -> None:
    with pytest.raises(ConfigurationError, match="must be percent-encoded"):
        check_database_url(f"postgresql://user:{password}@host/db", "source.url")
