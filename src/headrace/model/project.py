"""The project file `headrace.toml`: one record per table; unknown keys are rejected."""

from __future__ import annotations

import typing
from datetime import timedelta
from typing import Any, Literal

from headrace.model.alert_settings import AlertSettings, ApproveRule, RunSettings
from headrace.model.clock import parse_interval
from headrace.model.custom_field import DataType
from headrace.model.guards import GuardSettings
from headrace.model.pdf_place import parse_pdf_place
from headrace.model.source_settings import (
    Settings,
    SourceSettings,
)
from headrace.model.webhook_settings import WebhookSettings

UPFLOW_URL = "https://api.upflow.io/v1"


def _check_interval(name: str, text: str) -> None:
    """Raise ValueError that names the setting for anything that is not an interval."""
    try:
        parse_interval(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


class TargetSettings(Settings, frozen=True, kw_only=True):
    """The receivables API of one organisation."""

    url: str = UPFLOW_URL
    """Base URL of the API with its version, Upflow's or a hub's; `env:NAME` and `file:PATH` are
    allowed."""
    key: str
    """`env:NAME` or `file:PATH`; never the key itself."""
    secret: str
    """`env:NAME` or `file:PATH`; never the secret itself."""
    rate: int = 600
    """Requests in any 60 seconds that the API takes (docs/api-evidence.md, Rate limit)."""
    in_flight: int = 5
    """Requests at a time, at most 10; Upflow advises 5 (docs/api-evidence.md, Rate limit)."""
    timeout: str = "30s"
    """Maximum time for a complete answer before the request counts as failed."""
    ca_file: str = ""
    """PEM file of certificates to trust instead of the system's, for a server or proxy with a
    certificate from a company's own authority."""

    def __post_init__(self) -> None:
        if not 1 <= self.in_flight <= 10:
            raise ValueError("in_flight must be between 1 and 10: Upflow takes no more at a time")
        if self.rate < 1:
            raise ValueError("rate must be at least 1 request a minute")
        for name in ("key", "secret"):
            if not getattr(self, name).startswith(("env:", "file:")):
                raise ValueError(
                    f"{name} must be env:NAME or file:PATH; a secret never stands in this file"
                )
        _check_interval("timeout", self.timeout)


DeletionRule = Literal["delete", "report", "ignore"]
ContactRule = Literal["with_customer", "separately", "never"]
ClaimRule = Literal["hold", "ask", "off"]
FamilyRule = Literal["as_is", "parent"]
RoundingRule = Literal["half_up", "half_even"]
HintWish = Literal["auto", "off", "notify", "slot", "counters", "files", "poll", "webhook"]
EntityName = Literal["customer", "invoice", "credit_note", "payment", "refund"]


class OrganisationSettings(Settings, frozen=True, kw_only=True):
    """One organisation: one key pair, one source, one schedule. Organisations share no state."""

    target: TargetSettings
    """Where the receivables are sent; a table of its own."""
    source: SourceSettings
    """Where the billing data comes from; a table of its own."""
    models: str = "models"
    """Folder with `<table>.sql` files, or `"system:NAME"` for the models of a known system; without
    the folder, the source's tables are used as they are. Files in its subfolder of the
    organisation's name replace those of the same name, and SELECTs in its subfolder `shared` are
    views that models read by the names of their files."""
    parameters: dict[str, str | int | float | bool] = {}
    """Values that models read by `getvariable('name')`, such as `{ subsidiary = "FR" }`."""
    every: str = "5m"
    """How often `headrace run` checks for changes, whatever hints say."""
    hints: HintWish = "auto"
    """What tells `headrace run` at once that the source may have changed: `"auto"` for the best way
    that works, `"off"`, or one of `"notify"`, `"slot"`, `"counters"`, `"files"`, `"poll"` and
    `"webhook"` (docs/hints.md). `headrace check` says which one is used, and why no better one."""
    webhook: WebhookSettings | None = None
    """An address at `headrace run` that the billing system calls after a change; a table of its
    own."""
    slice: str = "10m"
    """How long a long import sends before it reads the source and plans again, so that today's
    changes do not wait until years of history have been sent."""
    sweep: str = "1d"
    """How often everything is read and compared, deletions included, even if the source shows
    that nothing changed. A few records are then also looked up in the API, to verify that it is
    still the organisation that the journal belongs to. When the source has changed, or can't
    tell, everything is read in every round anyway."""
    contacts: ContactRule = "with_customer"
    """How contacts are sent: `"with_customer"` as the customer's complete list, `"separately"`
    one by one, so that contacts that people added in Upflow are kept, or `"never"`."""
    family_payments: FamilyRule = "as_is"
    """Whose payment it is when it settles the invoice of another customer of the family that is
    neither parent nor child: `"as_is"` keeps its own customer; `"parent"` assigns it to the head
    of the family, for an API that refuses such a link."""
    rounding: RoundingRule = "half_up"
    """How `minor_rounded` rounds a half of the currency's lowest division: `"half_up"` away from
    zero, `"half_even"` to the even neighbour, as banks do."""
    on_delete: DeletionRule | dict[EntityName, DeletionRule] = "delete"
    """What happens in Upflow to records that are no longer in the source: `"delete"`, `"report"`
    or `"ignore"`, for all entities or for each, such as `{ customer = "report" }`."""
    claims: ClaimRule = "hold"
    """What happens to a new payment or refund that may be money which Upflow has already
    collected itself: `"hold"` links unambiguous matches and holds the others until a person
    decides, `"ask"` holds all of them, `"off"` sends all as new, at the risk of counting money
    twice."""
    claim_days: int = 14
    """Maximum number of days between a collection by Upflow and its booking, unless the
    booking's reference identifies it."""
    create_missing_custom_fields: bool = False
    """Whether custom fields that exist in the source but not in Upflow are created there."""
    custom_field_types: dict[str, DataType] = {}
    """Data types of custom fields by name, such as `{ region = "SELECT" }`; others are inferred."""
    documents: list[str] = []
    """Where PDFs are allowed in addition to the project's folder: folders,
    `"https://files.example.com"`, `"s3://bucket"`, and networks such as `"10.0.0.0/8"` for hosts
    with a private address."""
    guards: GuardSettings = GuardSettings()
    """How much a plan may change before it is refused; a table of its own."""
    approve: ApproveRule = "never"
    """Which plans wait until another person approves them with `headrace approve`: `"always"` every
    plan that sends something, `"unsafe"` those that the guards refuse, `"never"` none, so that the
    guards refuse unsafe plans."""
    keep_payloads: bool = True
    """Whether the journal keeps what was sent; false keeps only hashes (personal data)."""
    reconcile: str = ""
    """How often `headrace run` compares all balances with the API's, as `headrace reconcile` does,
    such as `"1d"`; empty for never. It lists all documents that the API has."""
    alerts: AlertSettings = AlertSettings()
    """Who is alerted about this organisation; a table of its own."""

    def __post_init__(self) -> None:
        for name in ("every", "sweep", "slice"):
            _check_interval(name, getattr(self, name))
        if self.hints == "webhook" and self.webhook is None:
            raise ValueError('hints = "webhook" needs a table webhook with its secret')
        if self.reconcile:
            _check_interval("reconcile", self.reconcile)
        for place in self.documents:
            parse_pdf_place(place)
        if not 0 <= self.claim_days <= 366:
            raise ValueError("claim_days must be between 0 and 366")

    @property
    def slice_seconds(self) -> float:
        """Return `slice` in seconds."""
        return parse_interval(self.slice).total_seconds()

    @property
    def deletion_rules(self) -> dict[str, DeletionRule]:
        """Return `on_delete` by entity."""
        if isinstance(self.on_delete, dict):
            return {str(entity): rule for entity, rule in self.on_delete.items()}
        return dict.fromkeys(typing.get_args(EntityName), self.on_delete)

    @property
    def sweep_interval(self) -> timedelta:
        """Return `sweep` as a duration."""
        return parse_interval(self.sweep)

    @property
    def reconcile_seconds(self) -> float | None:
        """Return `reconcile` in seconds; None for never."""
        return parse_interval(self.reconcile).total_seconds() if self.reconcile else None

    @property
    def interval(self) -> timedelta:
        """Return `every` as a duration."""
        return parse_interval(self.every)


DATA = ".headrace"
"""The folder of the books and journals, where a project names none."""


class Project(Settings, frozen=True, kw_only=True):
    """The whole project file."""

    organisation: dict[str, OrganisationSettings]
    """One table for each organisation; commands and folders use its name. May be missing if
    `state` names a database with organisations."""
    template: dict[str, dict[str, Any]] = {}
    """Tables that `headrace fleet add --template NAME` bases organisations on, with the same keys.
    `{name}`, and the organisation's `parameters` by their names, are filled in everywhere."""
    defaults: dict[str, Any] = {}
    """Settings shared by all organisations, with the same keys. An organisation's own take
    precedence, and its tables, such as `target`, are merged by key."""
    data: str = DATA
    """Folder of the books and journals, relative to the project."""
    journal: str = ""
    """Where the journals are: empty for one SQLite file each in `data`, or the `postgresql://…`
    of one database for all, as `env:NAME` or `file:PATH`, so that several machines can take
    turns."""
    state: str = ""
    """The `postgresql://…` of the database that all `headrace worker` share, as `env:NAME` or
    `file:PATH`: the register of organisations, the queue of their rounds, and the journals unless
    `journal` names another."""
    alerts: AlertSettings = AlertSettings()
    """Who is alerted; a table of its own, which applies to every organisation."""
    run: RunSettings = RunSettings()
    """The process of `headrace run`; a table of its own."""
    at_once: int = 0
    """How many organisations `headrace run` has open at the same time, each with its book in
    memory; 0 for the number of cores. One whose source does not answer for half a minute leaves
    its place to another, up to 32 of them."""
    webhooks: str = "127.0.0.1:8377"
    """Host and port at which `headrace run` listens if an organisation has a webhook. A reverse
    proxy passes on what comes from outside, with TLS."""

    def __post_init__(self) -> None:
        host, _, port = self.webhooks.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65_535:
            raise ValueError("webhooks must be HOST:PORT, such as 127.0.0.1:8377")
        if self.at_once < 0:
            raise ValueError("at_once must be 0, for as many as there are cores, or more")
