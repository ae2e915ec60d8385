"""The project file: what it may say, and how it is refused."""

import pytest

from headrace.model.errors import ConfigurationError
from headrace.model.project import UPFLOW_URL
from headrace.model.project_file import parse_project

GOOD = """
[organisation.acme]
target = { key = "env:KEY", secret = "file:secret.txt" }
source = { kind = "sql", url = "env:BILLING_DATABASE_URL" }
every = "30s"
"""


def test_what_is_left_out_has_upflows_defaults() -> None:
    acme = parse_project(GOOD.encode(), "headrace.toml").organisation["acme"]
    assert (acme.target.url, acme.target.rate, acme.target.in_flight) == (UPFLOW_URL, 600, 5)
    assert acme.interval.total_seconds() == 30
    assert acme.keep_payloads


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('key = "env:KEY"', 'key = "sk_live_123"', "never stands in this file"),
        ('kind = "sql"', "kind = 7", "source.kind"),
        (', url = "env:BILLING_DATABASE_URL"', "", "url is needed"),
        ('every = "30s"', 'every = "often"', "not an interval"),
        ('every = "30s"', 'evry = "30s"', "evry"),
        ('secret = "file:secret.txt"', 'secret = "env:S", in_flight = 11', "between 1 and 10"),
        ('secret = "file:secret.txt"', 'secret = "env:S", rate = 0', "at least 1"),
        ("[organisation.acme]", "[organisation.acme", "not valid TOML"),
        ('every = "30s"', 'models = "a\\u0000b"', "NUL"),
        ('every = "30s"', 'documents = ["a\\u0000b"]', "NUL"),
        ('every = "30s"', 'custom_field_types = { "\\u0000" = "TEXT" }', "NUL"),
    ],
)
def test_a_mistake_is_named_with_its_place(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigurationError, match=r"headrace\.toml") as error:
        parse_project(GOOD.replace(old, new).encode(), "headrace.toml")
    assert said in str(error.value)


def test_a_file_without_an_organisation_says_what_to_add() -> None:
    with pytest.raises(ConfigurationError, match=r"\[organisation\.NAME\]"):
        parse_project(b"organisation = {}", "headrace.toml")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("organization.acme", r"did you mean \[organisation\.acme\] by \[organization\.acme\]\?"),
        ("Organisations.acme", r"did you mean \[organisation\.acme\] by \[Organisations\.acme\]"),
        ("company.acme", r"did you mean \[organisation\.acme\] by \[company\.acme\]\?"),
        ("acme", r"did you mean \[organisation\.acme\] by \[acme\]\?"),
        ("organisation", r"write \[organisation\.NAME\]"),
    ],
)
def test_a_table_that_was_meant_to_be_an_organisations_is_recognised(
    written: str, meant: str
) -> None:
    with pytest.raises(ConfigurationError, match=meant):
        parse_project(GOOD.replace("organisation.acme", written).encode(), "headrace.toml")


def test_a_misspelled_table_beside_good_ones_is_recognised() -> None:
    text = f'{GOOD}\n[organization.other]\nmodels = "x"\n'
    with pytest.raises(ConfigurationError, match="organization, did you mean organisation"):
        parse_project(text.encode(), "headrace.toml")
    text = GOOD.replace("target = ", "taget = ")
    with pytest.raises(ConfigurationError, match="taget, did you mean target"):
        parse_project(text.encode(), "headrace.toml")


SHARED = """
[defaults]
every = "15m"
contacts = "never"
on_delete = { customer = "report" }
target = { url = "https://hub.test/v1", rate = 60, key = "env:KEY", secret = "env:SECRET" }
source = { kind = "sql" }
guards = { changes = 0.5 }

[organisation]
one = { source = { url = "sqlite:///one.db" } }
two = { source = { kind = "files", path = "two" }, target = { rate = 90 }, every = "1h" }
"""


def test_what_organisations_share_is_merged_by_key_and_their_own_wins() -> None:
    found = parse_project(SHARED.encode(), "headrace.toml").organisation
    one, two = found["one"], found["two"]
    assert (one.every, one.contacts, one.guards.changes) == ("15m", "never", 0.5)
    assert (one.target.rate, one.source.kind, one.source.url) == (60, "sql", "sqlite:///one.db")
    assert (two.every, two.contacts) == ("1h", "never")
    assert (two.target.rate, two.target.url, two.target.key) == (90, one.target.url, "env:KEY")
    assert (two.source.kind, two.source.path) == ("files", "two")


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        ("rate = 60", "rte = 60", "[defaults]: target", "did you mean rate"),
        ("rate = 60", 'rate = "60"', "[defaults]: target.rate", "int"),
        ("rate = 90", 'rate = "90"', "[organisation.two]: target.rate", "int"),
        ('every = "15m"', 'evry = "15m"', "[defaults]", "did you mean every"),
        ('every = "1h"', 'evry = "1h"', "[organisation.two]", "did you mean every"),
        ('contacts = "never"', 'contacts = "no"', "[defaults]: contacts", "must be one of"),
        ("[organisation]", "at_once = 1\n[organisation]", "[defaults]", "at_once"),
    ],
)
def test_a_mistake_in_what_is_shared_is_named_there(
    old: str, new: str, where: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_project(SHARED.replace(old, new).encode(), "headrace.toml")
    assert f"headrace.toml in {where}" in str(error.value) and said in str(error.value)


def test_at_once_is_a_number_of_organisations() -> None:
    assert parse_project(f"at_once = 3{GOOD}".encode(), "headrace.toml").at_once == 3
    for wrong in ("-1", '"all"'):
        with pytest.raises(ConfigurationError, match="at_once"):
            parse_project(f"at_once = {wrong}{GOOD}".encode(), "headrace.toml")
    with pytest.raises(ConfigurationError, match=r"\[defaults\]"):
        parse_project(f"defaults = 3{GOOD}".encode(), "headrace.toml")
