"""What a mistake in the project file is told as, to the letter."""

from __future__ import annotations

import pytest

from headrace.model.errors import ConfigurationError
from headrace.model.project import OrganisationSettings
from headrace.model.project_file import parse_project

HEAD = """[organisation.acme]
target = {{ key = "env:KEY", secret = "file:s"{target} }}
source = {{ kind = "sql", url = "env:U"{source} }}
{own}
"""
OWN = f"there is {', '.join(OrganisationSettings.__struct_fields__)}."


def parse(place: str, text: str) -> None:
    """The file with that text in the target, the source, the organisation or at its head."""
    given = {"target": "", "source": "", "own": "", place: text}
    parse_project((given.get("head", "") + HEAD.format(**given)).encode(), "headrace.toml")


# ruff: noqa: E501
SAID = [
    (
        "target",
        ", rat = 5",
        " in [organisation.acme]: target: there is no key rat, did you mean rate? there is url, key, secret, rate, in_flight, timeout, ca_file.",
    ),
    (
        "target",
        ", zzzz = 5",
        " in [organisation.acme]: target: there is no key zzzz; there is url, key, secret, rate, in_flight, timeout, ca_file.",
    ),
    (
        "source",
        ', ur = "x"',
        " in [organisation.acme]: source: there is no key ur, did you mean url? there is kind, url, path, schema, tables, incremental, format, formats, done, options, more.",
    ),
    (
        "own",
        "guards = { deletion = 1 }",
        " in [organisation.acme]: guards: there is no key deletion, did you mean deletions? there is deletions, changes, unlinked, withheld, amounts, currencies, money, creations, rows.",
    ),
    (
        "own",
        'evry = "5m"',
        " in [organisation.acme]: there is no key evry, did you mean every? {OWN}",
    ),
    ("own", "zzzz = 1", " in [organisation.acme]: there is no key zzzz; {OWN}"),
    (
        "own",
        'contacts = "x"',
        " in [organisation.acme]: contacts: 'x' must be one of with_customer, separately, never.",
    ),
    ("own", 'claims = "x"', " in [organisation.acme]: claims: 'x' must be one of hold, ask, off."),
    (
        "own",
        'family_payments = "x"',
        " in [organisation.acme]: family_payments: 'x' must be one of as_is, parent.",
    ),
    (
        "own",
        'on_delete = "x"',
        " in [organisation.acme]: on_delete: 'x' must be one of delete, report, ignore; a table has the keys customer, invoice, credit_note, payment, refund.",
    ),
    (
        "own",
        'on_delete = { invoice = "x" }',
        " in [organisation.acme]: on_delete[...]: 'x' must be one of delete, report, ignore.",
    ),
    (
        "own",
        'on_delete = { zzz = "delete" }',
        " in [organisation.acme]: on_delete: 'zzz' must be one of delete, report, ignore; a table has the keys customer, invoice, credit_note, payment, refund.",
    ),
    (
        "own",
        'custom_field_types = { a = "X" }',
        " in [organisation.acme]: custom_field_types[...]: 'X' must be one of TEXT, NUMBER, DATE, BOOLEAN, SELECT, MULTI_SELECT.",
    ),
    ("own", "every = 5", " in [organisation.acme]: every: Expected `str`, got `int`."),
    ("target", ', rate = "x"', " in [organisation.acme]: target.rate: Expected `int`, got `str`."),
    (
        "own",
        "guards = { money = -1 }",
        " in [organisation.acme]: guards: money must be 0 or more: 0.1 stands for a tenth.",
    ),
    ("own", "claim_days = 367", " in [organisation.acme]: claim_days must be between 0 and 366."),
    ("own", "claim_days = -1", " in [organisation.acme]: claim_days must be between 0 and 366."),
    ("own", 'documents = [" "]', " in [organisation.acme]: documents must not have empty entries."),
    (
        "own",
        'sweep = "x"',
        " in [organisation.acme]: sweep: 'x' is not an interval: write a number and s, m, h or d, as in 5m.",
    ),
    (
        "own",
        'slice = "x"',
        " in [organisation.acme]: slice: 'x' is not an interval: write a number and s, m, h or d, as in 5m.",
    ),
    (
        "target",
        ", in_flight = 0",
        " in [organisation.acme]: target: in_flight must be between 1 and 10: Upflow takes no more at a time.",
    ),
    (
        "target",
        ', timeout = "x"',
        " in [organisation.acme]: target: timeout: 'x' is not an interval: write a number and s, m, h or d, as in 5m.",
    ),
    (
        "head",
        '[defaults]\nevry = "5m"\n',
        " in [defaults]: there is no key evry, did you mean every? {OWN}",
    ),
    ("head", "[defaults]\nevery = 5\n", " in [defaults]: every: Expected `str`, got `int`."),
    (
        "head",
        "[defaults]\ntarget = { rat = 1 }\n",
        " in [defaults]: target: there is no key rat, did you mean rate? there is url, key, secret, rate, in_flight, timeout, ca_file.",
    ),
    (
        "head",
        '[defaults]\ncontacts = "x"\n',
        " in [defaults]: contacts: 'x' must be one of with_customer, separately, never.",
    ),
    ("head", "defaults = 3\n", ": defaults must be a table, [defaults]."),
    (
        "head",
        "zzz = 1\n",
        ": there is no key zzz; there is organisation, template, defaults, data, journal, state, alerts, run, at_once, webhooks.",
    ),
    ("head", "at_once = -1\n", ": at_once must be 0, for as many as there are cores, or more."),
    (
        "head",
        'datta = "x"\n',
        ": there is no key datta, did you mean data? there is organisation, template, defaults, data, journal, state, alerts, run, at_once, webhooks.",
    ),
    ("head", 'at_once = "x"\n', ": at_once: Expected `int`, got `str`."),
]
FINE = [
    ("own", "claim_days = 366"),
    ("own", "claim_days = 0"),
    ("target", ", in_flight = 1"),
    ("target", ", in_flight = 10"),
    ("target", ", rate = 1"),
]
MEANT = [
    ("", "h.toml names no organisation: add a table [organisation.NAME]."),
    ("[acme]\nx=1", "h.toml names no organisation: add a table [organisation.NAME]."),
    (
        '[acme.target]\nkey="x"',
        "h.toml names no organisation: did you mean [organisation.acme] by [acme]?",
    ),
    (
        '[company.acme.target]\nkey="x"',
        "h.toml names no organisation: did you mean [organisation.acme] by [company.acme]?",
    ),
    (
        "[organisatoin]\nx=1",
        "h.toml names no organisation: did you mean [organisation.NAME] by [organisatoin]?",
    ),
    (
        "[organisatoin.acme]\nx=1",
        "h.toml names no organisation: did you mean [organisation.acme] by [organisatoin.acme]?",
    ),
    ("[zzz.a]\nx=1", "h.toml names no organisation: add a table [organisation.NAME]."),
    (
        "[a]\nb=1\n[organization.x.source]\n",
        "h.toml names no organisation: did you mean [organisation.x] by [organization.x]?",
    ),
    ("organisation=3", "h.toml names no organisation: add a table [organisation.NAME]."),
    ("organisation={}", "h.toml names no organisation: add a table [organisation.NAME]."),
    (
        "[organisation]\ntarget={}",
        "h.toml: the table [organisation] needs a name in it: write [organisation.NAME], and [organisation.NAME.target] for what stands in it.",
    ),
    ("[organisation]\nacme=3", "h.toml in [organisation.acme]: Expected `object`, got `int`."),
    ('a=1\n[target]\nkey="x"', "h.toml names no organisation: add a table [organisation.NAME]."),
    (
        "[zzz]\na={}\ntarget={}",
        "h.toml names no organisation: did you mean [organisation.zzz] by [zzz]?",
    ),
    ("[zzz.a.b]\n[zzz.c.target]", "h.toml names no organisation: add a table [organisation.NAME]."),
]


@pytest.mark.parametrize(("place", "text", "said"), SAID)
def test_a_mistake_is_told_with_its_table_its_key_and_what_there_is(
    place: str, text: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(place, text)
    assert str(caught.value) == f"headrace.toml{said.replace('{OWN}', OWN)}"


@pytest.mark.parametrize(("place", "text"), FINE)
def test_the_ends_of_a_range_belong_to_it(place: str, text: str) -> None:
    parse(place, text)


@pytest.mark.parametrize(("text", "said"), MEANT)
def test_a_file_without_an_organisation_says_what_was_meant(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_project(text.encode(), "h.toml")
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('kind = "sql"', 'url is needed with kind = "sql"'),
        ('kind = "files"', 'path is needed with kind = "files"'),
        ('kind = "files", path = "x", options = { a = 1 }', 'not kind = "files"'),
        ('kind = "sql", url = "x", options = { a = 1 }', 'not kind = "sql"'),
        ('kind = "other", options = { a = 1 }', ""),
        ('kind = "files", path = "x"', ""),
        ('kind = "files", tables = { a = "a.csv" }', ""),
    ],
)
def test_each_kind_of_source_needs_its_own_keys(source: str, said: str) -> None:
    text = HEAD.format(target="", source="", own="")
    text = text.replace('kind = "sql", url = "env:U"', source)
    if not said:
        parse_project(text.encode(), "headrace.toml")
        return
    with pytest.raises(ConfigurationError) as caught:
        parse_project(text.encode(), "headrace.toml")
    assert said in str(caught.value)
