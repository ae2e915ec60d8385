"""Organisations of the register: templates, parameters, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.fleet.register.members import Member, settings_of
from headrace.model.errors import ConfigurationError
from headrace.model.project import Project
from headrace.model.project_file import parse_project

_PROJECT = b"""
state = "postgresql://127.0.0.1/fleet"

[defaults]
every = "10m"
target = { url = "https://api.example", key = "file:keys/{name}", secret = "env:{name}_SECRET" }

[template.odoo]
parameters = { host = "db1", subsidiary = "FR" }
every = "5m"

[template.odoo.source]
kind = "sql"
url = "postgresql://reader@{host}/{name}"

[template.odoo.source.tables]
open = "select '{}' as untouched, '{subsidiary}' as unit"
"""


@pytest.fixture(scope="module")
def project() -> Project:
    return parse_project(_PROJECT, "headrace.toml")


def test_an_organisation_has_the_defaults_then_the_template_then_its_own(project: Project) -> None:
    own: dict[str, Any] = {"parameters": {"host": "db2"}, "sweep": "2d"}
    settings = settings_of(project, Member("acme", "odoo", own))
    assert settings.every == "5m"
    assert settings.sweep == "2d"
    assert settings.source.url == "postgresql://reader@db2/acme"
    assert settings.target.key == "file:keys/acme"
    assert settings.parameters == {"host": "db2", "subsidiary": "FR"}
    assert own == {"parameters": {"host": "db2"}, "sweep": "2d"}


def test_braces_that_are_no_parameter_stay(project: Project) -> None:
    settings = settings_of(project, Member("acme", "odoo", {}))
    assert settings.source.tables == {"open": "select '{}' as untouched, 'FR' as unit"}


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (Member("acme", "xero", {}), "the template xero, which headrace.toml does not have"),
        (Member("acme", "odoo", {"evry": "5m"}), "the organisation acme: there is no key evry"),
        (Member("acme", "odoo", {"every": "5 minutes"}), "the organisation acme"),
        (Member("acme", "", {}), "the organisation acme"),
    ],
)
def test_what_is_wrong_names_the_organisation(member: Member, words: str, project: Project) -> None:
    with pytest.raises(ConfigurationError) as raised:
        settings_of(project, member)
    assert words in str(raised.value)


def test_a_project_without_organisations_needs_a_register() -> None:
    with pytest.raises(ConfigurationError, match="names no organisation"):
        parse_project(b'[template.odoo]\nevery = "5m"\n', "headrace.toml")
