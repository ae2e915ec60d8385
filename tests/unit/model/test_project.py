"""The project file: what it may say, and how it is refused."""

import pytest

from headrace.model.errors import ConfigurationError
from headrace.model.project import UPFLOW_URL
from headrace.model.project_file import parse_organisation, parse_project
from headrace.model.source_settings import SourceSettings

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


PLAIN = GOOD.replace("source = {", "#") + 'source.kind = "sql"\nsource.url = "env:U"\n'
"""With a source that further tables can be added to."""
BANK = '[{where}.source.bank]\nkind = "files"\npath = "bank"\n'


@pytest.mark.parametrize("where", ["defaults", "organisation.acme"])
def test_a_further_source_is_a_table_below_the_source(where: str) -> None:
    text = f"{PLAIN}\n{BANK.format(where=where)}"
    acme = parse_project(text.encode(), "headrace.toml").organisation["acme"]
    assert acme.source.kind == "sql"
    assert acme.source.more == {"bank": SourceSettings(kind="files", path="bank")}


def test_a_template_has_further_sources_too() -> None:
    text = f"{GOOD}\n{BANK.format(where='template.shop')}"
    template = parse_project(text.encode(), "headrace.toml").template["shop"]
    assert template["source"]["more"] == {"bank": {"kind": "files", "path": "bank"}}
    for odd in ('template = "x"', "template = 7"):
        with pytest.raises(ConfigurationError, match="template"):
            parse_project(f"{odd}\n{GOOD}".encode(), "headrace.toml")


def test_a_shared_register_may_have_all_the_organisations() -> None:
    empty = parse_project(b'state = "postgresql://127.0.0.1/h"\n', "headrace.toml")
    assert empty.organisation == {}
    text = 'state = "postgresql://127.0.0.1/h"\n[organisation]\n'
    assert parse_project(text.encode(), "headrace.toml").organisation == {}
    for text in ("", "[organisation]\n", 'state = ""\n[organisation]\n'):
        with pytest.raises(ConfigurationError, match="names no organisation"):
            parse_project(text.encode(), "headrace.toml")


ALERTS = '[alerts]\nto = ["env:A"]\nfailures = 5\n'


def test_alerts_of_the_project_are_those_of_each_organisation() -> None:
    shared = parse_project(f"{GOOD}\n{ALERTS}".encode(), "headrace.toml")
    assert shared.organisation["acme"].alerts.failures == 5
    own = f'{GOOD}\n[organisation.acme.alerts]\nfailures = 7\n{ALERTS}[defaults]\nevery = "1h"\n'
    acme = parse_project(own.encode(), "headrace.toml").organisation["acme"]
    assert (acme.alerts.failures, acme.alerts.to, acme.every) == (7, ["env:A"], "30s")
    assert parse_project(GOOD.encode(), "headrace.toml").organisation["acme"].alerts.to == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[alerts]\nfailres = 1\n", "[alerts] in headrace.toml: there is no key failres, did you"),
        ("[alerts]\nfailures = 0\n", "[alerts] in headrace.toml: failures must be at least 1."),
        ("[run]\nlisen = '9464'\n", "run: there is no key lisen, did you mean listen?"),
        (
            "[organisation.acme.webhook]\nsecrt = 'env:S'\n",
            "webhook: there is no key secrt, did you mean secret?",
        ),
        (
            "[organisation.acme.alerts]\nlagg = '1h'\n",
            "alerts: there is no key lagg, did you mean lag?",
        ),
        (
            "[organisation.acme.source.format]\nskp = 1\n",
            "source.format: there is no key skp, did you mean skip?",
        ),
    ],
)
def test_a_misspelled_key_is_named_with_its_table(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_project(f"{PLAIN}\n{text}".encode(), "headrace.toml")
    assert said in str(error.value)


def test_an_organisation_of_the_register_is_merged_into_what_is_shared() -> None:
    shared = {
        "target": {"url": "https://hub.test/v1", "key": "env:K", "secret": "env:S"},
        "source": {"kind": "sql", "url": "env:U"},
        "every": "1h",
    }
    own = {"every": "2h", "source": {"bank": {"kind": "files", "path": "bank"}}}
    made = parse_organisation(shared, own, "organisation acme")
    assert (made.every, made.target.url, made.source.url) == ("2h", "https://hub.test/v1", "env:U")
    assert list(made.source.more) == ["bank"]
    with pytest.raises(ConfigurationError, match=r"^organisation acme: there is no key evry"):
        parse_organisation(shared, {"evry": "2h"}, "organisation acme")
