"""What each table of the project file refuses, and where its limits are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from headrace.model.alert_settings import AlertSettings, RunSettings
from headrace.model.project import OrganisationSettings, Project, TargetSettings
from headrace.model.source_settings import (
    FileFormat,
    Incremental,
    SourceSettings,
    gather_sources,
)
from headrace.model.webhook_settings import WebhookSettings

SQL = {"kind": "sql", "url": "sqlite:///b.db"}
REST = {"kind": "rest", "options": {"client": {}}}
FILES = {"kind": "files", "path": "exports"}
CURSOR = {"invoices": Incremental(cursor="changed")}
TARGET = {"url": "env:URL", "key": "env:KEY", "secret": "file:secret"}


def organisation(**more: Any) -> OrganisationSettings:
    given = {"target": TargetSettings(**TARGET), "source": SourceSettings(**SQL)}
    return OrganisationSettings(**(given | more))


def target(**more: Any) -> TargetSettings:
    return TargetSettings(**(TARGET | more))


def project(**more: Any) -> Project:
    return Project(**({"organisation": {"acme": organisation()}} | more))


ACCEPTED: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (AlertSettings, {"to": ["env:A", "file:b"], "failures": 1, "digest": "00:00"}),
    (AlertSettings, {"digest": "23:59", "lag": "1s", "silent": "2m", "stuck": "3h"}),
    (RunSettings, {"hosts": ["sync.example.com", "x"], "people": {"Ann Lee": "env:A"}}),
    (
        RunSettings,
        {"people": {"a": "file:p", "b": "command:pass show b", "c": "sealed:x", "Zoé": "env:Z"}},
    ),
    (FileFormat, {"skip": 0, "delimiter": ";", "encoding": "cp1252"}),
    (FileFormat, {}),
    (Incremental, {"cursor": "changed", "overlap": "1s", "sweep": "2d"}),
    (SourceSettings, SQL),
    (SourceSettings, FILES),
    (SourceSettings, {"kind": "files", "tables": {"a": "*.csv"}}),
    (SourceSettings, {"kind": "files", "path": "s3://b/x", "options": {"key": "env:K"}}),
    (SourceSettings, {"kind": "python", "path": "gen.py", "options": {"a": 1}}),
    (SourceSettings, {"kind": "singer", "path": "-"}),
    (SourceSettings, {"kind": "singer", "options": {"command": "tap"}}),
    (SourceSettings, REST),
    (SourceSettings, {"kind": "system:stripe"}),
    (SourceSettings, {"kind": "other.package:Source", "incremental": CURSOR}),
    (SourceSettings, {**SQL, "incremental": CURSOR}),
    (SourceSettings, {**REST, "incremental": CURSOR}),
    (SourceSettings, {"more": {"bank": SourceSettings(**SQL)}}),
    (WebhookSettings, {"secret": "env:S"}),
    (WebhookSettings, {"secret": "file:s"}),
    (target, {"in_flight": 1, "rate": 1}),
    (target, {"in_flight": 10}),
    (organisation, {"claim_days": 0}),
    (organisation, {"claim_days": 366, "reconcile": "1d", "documents": ["exports"]}),
    (organisation, {"hints": "webhook", "webhook": WebhookSettings(secret="env:S")}),
    (project, {"webhooks": "0.0.0.0:65535", "at_once": 0}),
    (project, {"webhooks": "[::1]:1"}),
]


@pytest.mark.parametrize(("kind", "given"), ACCEPTED)
def test_what_is_accepted(kind: Callable[..., Any], given: dict[str, Any]) -> None:
    made = kind(**given)
    for name, value in given.items():
        assert getattr(made, name) == value


REFUSED: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
    (AlertSettings, {"to": ["env:A", "mailto://x"]}, "to: an address must be env:NAME or file:"),
    (AlertSettings, {"failures": 0}, "failures must be at least 1"),
    *(
        (AlertSettings, {name: "soon"}, f"{name}: ")
        for name in ("unreachable", "lag", "silent", "stuck")
    ),
    *(
        (AlertSettings, {"digest": text}, "digest must be a time of day")
        for text in ("24:00", "7:30", "07:60", "07:30:00")
    ),
    *(
        (RunSettings, {"people": {name: "env:A"}}, "people: .* is no name")
        for name in ("", " ", " Ann", "Ann ", "A\nB")
    ),
    (RunSettings, {"people": {"Ann": "secret"}}, "the secret of Ann must be env:NAME"),
    *(
        (RunSettings, {"hosts": [host]}, f"hosts: {host!r} is no name of a host")
        for host in ("", "a:80", "-a", "a-", "a/b")
    ),
    (FileFormat, {"skip": -1}, "skip must be 0 or more"),
    (FileFormat, {"delimiter": "::"}, "delimiter must be one character"),
    (FileFormat, {"encoding": "utf-99"}, "there is no encoding utf-99"),
    (Incremental, {"cursor": "c", "overlap": "soon"}, "soon"),
    (Incremental, {"cursor": "c", "sweep": "soon"}, "soon"),
    (SourceSettings, {}, "kind is needed"),
    (SourceSettings, {"kind": "sql"}, "url is needed"),
    (SourceSettings, {"kind": "files"}, "path is needed"),
    (SourceSettings, {"kind": "python"}, "path is needed"),
    (SourceSettings, {"kind": "singer"}, "options are needed"),
    (SourceSettings, {"kind": "rest"}, "options are needed"),
    (SourceSettings, {**SQL, "options": {"a": 1}}, 'options are for .* not kind = "sql"'),
    (SourceSettings, {**FILES, "options": {"a": 1}}, 'options are for .* not kind = "files"'),
    *(
        (SourceSettings, {**given, "incremental": CURSOR}, "incremental is for kind")
        for given in (FILES, {"kind": "singer", "path": "-"}, {"kind": "system:stripe"})
    ),
    *(
        (SourceSettings, {**SQL, "more": {name: SourceSettings(**SQL)}}, f"{name}: a further")
        for name in ("a-b", "1a")
    ),
    (
        SourceSettings,
        {**SQL, "more": {"bank": SourceSettings(more={"b": SourceSettings(**SQL)})}},
        "bank: a further source",
    ),
    (WebhookSettings, {"secret": "plain"}, "secret must be env:NAME or file:PATH"),
    (target, {"in_flight": 0}, "in_flight must be between 1 and 10"),
    (target, {"in_flight": 11}, "in_flight must be between 1 and 10"),
    (target, {"rate": 0}, "rate must be at least 1"),
    (target, {"key": "plain"}, "key must be env:NAME"),
    (target, {"secret": "plain"}, "secret must be env:NAME"),
    (target, {"timeout": "soon"}, "timeout"),
    *((organisation, {name: "soon"}, name) for name in ("every", "sweep", "slice", "reconcile")),
    (organisation, {"hints": "webhook"}, "needs a table webhook"),
    (organisation, {"documents": [""]}, "documents must not have empty entries"),
    (organisation, {"claim_days": -1}, "claim_days must be between 0 and 366"),
    (organisation, {"claim_days": 367}, "claim_days must be between 0 and 366"),
    *(
        (project, {"webhooks": place}, "webhooks must be HOST:PORT")
        for place in ("8377", ":8377", "a:", "a:b", "a:65536", "a:-1")
    ),
    (project, {"at_once": -1}, "at_once must be 0"),
]


@pytest.mark.parametrize(("kind", "given", "message"), REFUSED)
def test_what_is_refused(kind: Callable[..., Any], given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**given)


def test_an_interval_in_seconds() -> None:
    settings = AlertSettings(unreachable="2m", lag="3h", silent="4s", stuck="1d")
    found = [settings.seconds(name) for name in ("unreachable", "lag", "silent", "stuck")]
    assert found == [120.0, 10_800.0, 4.0, 86_400.0]


def test_further_sources_are_tables_with_a_kind() -> None:
    bank, shop = {"kind": "files", "path": "bank"}, {"kind": "rest"}
    table: dict[str, Any] = {
        "source": {
            **SQL,
            "bank": bank,
            "shop": shop,
            "tables": {"kind": "a table of this name"},
            "format": {"skip": 1},
            "plain": {"path": "no kind"},
            "more": {"erp": dict(SQL)},
        }
    }
    gather_sources(table)
    assert table["source"] == {
        **SQL,
        "tables": {"kind": "a table of this name"},
        "format": {"skip": 1},
        "plain": {"path": "no kind"},
        "more": {"erp": SQL, "bank": bank, "shop": shop},
    }


@pytest.mark.parametrize(
    "table", [None, "text", {}, {"source": "text"}, {"source": dict(SQL)}, {"more": {"kind": 1}}]
)
def test_what_has_no_further_sources_stays_as_it_is(table: Any) -> None:
    before = repr(table)
    gather_sources(table)
    assert repr(table) == before
