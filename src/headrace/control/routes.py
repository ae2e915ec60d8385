"""The control plane's route table. All paths are below /_hub."""

from __future__ import annotations

from headrace.control import records
from headrace.control.catalogue_routes import CATALOGUE_ROUTES
from headrace.control.handlers import (
    clock,
    data,
    faults,
    organisations,
    rates,
    requests,
    sandboxes,
    snapshots,
)
from headrace.control.portal_routes import PORTAL_ROUTES
from headrace.control.route import OF_ORGANISATION, ControlRoute
from headrace.control.sandbox_records import SandboxAnswer, SandboxDraft, Sandboxes, SandboxMade
from headrace.server.faults.scripts import Script, ScriptReport
from headrace.server.observing.request_search import Entry, Query
from headrace.store.admin.keys import KeyPair
from headrace.store.admin.snapshots import Snapshot

_OF = OF_ORGANISATION

CONTROL_ROUTES = (
    ControlRoute(
        "GET", "/organisations", organisations.list_, "All organisations", None,
        records.Organisations,
    ),
    ControlRoute(
        "POST", "/organisations", organisations.create, "Make an organisation",
        records.OrganisationDraft, records.OrganisationAnswer, 201,
    ),
    ControlRoute("GET", "/keys", organisations.keys, "All keys", None, records.KeyList),
    ControlRoute(
        "POST", f"{_OF}/keys", organisations.create_key,
        "Make a key pair; its secret is shown once", records.KeyDraft, KeyPair, 201,
    ),
    ControlRoute("DELETE", "/keys/{key}", organisations.end_key, "Revoke a key"),
    ControlRoute(
        "GET", "/sandboxes", sandboxes.list_, "All sandboxes", None, Sandboxes
    ),
    ControlRoute(
        "POST", "/sandboxes", sandboxes.create,
        "Make a sandbox: organisation, key pair, data and expiry in one call", SandboxDraft,
        SandboxMade, 201, refusals=(409,),
    ),
    ControlRoute(
        "GET", "/sandboxes/{name}", sandboxes.read, "One sandbox", None, SandboxAnswer
    ),
    ControlRoute(
        "DELETE", "/sandboxes/{name}", sandboxes.delete, "Delete a sandbox with all its data"
    ),
    *CATALOGUE_ROUTES,
    *PORTAL_ROUTES,
    ControlRoute("GET", "/rates", rates.list_, "All exchange rates", None, records.Rates),
    ControlRoute(
        "POST", "/rates", rates.create, "Set exchange rates", records.RatesDraft, records.Rates
    ),
    ControlRoute("DELETE", "/rates", rates.delete, "Remove all exchange rates"),
    ControlRoute(
        "POST", f"{_OF}/reset", data.reset, "Remove all of the organisation's data but its keys"
    ),
    ControlRoute(
        "POST", f"{_OF}/seed", data.seed, "Play a file of API calls, all of it or nothing", bytes,
        records.SeedAnswer,
    ),
    ControlRoute(
        "GET", f"{_OF}/clock", clock.read, "The organisation's time", None, records.ClockAnswer
    ),
    ControlRoute(
        "POST", f"{_OF}/clock/freeze", clock.freeze, "Stop the organisation's time",
        records.Freeze, records.ClockAnswer,
    ),
    ControlRoute(
        "POST", f"{_OF}/clock/advance", clock.advance, "Move the organisation's stopped time on",
        records.Advance, records.ClockAnswer,
    ),
    ControlRoute("DELETE", f"{_OF}/clock", clock.release, "Go by real time again"),
    ControlRoute(
        "GET", "/faults", faults.list_, "All scripts of faults", None, records.ScriptReports
    ),
    ControlRoute(
        "POST", "/faults", faults.create, "Arm a script of faults", Script, ScriptReport, 201
    ),
    ControlRoute(
        "GET", "/faults/{id}", faults.read, "What fired and what did not", None, ScriptReport
    ),
    ControlRoute(
        "DELETE", "/faults/{id}", faults.delete, "Disarm a script, with its last report", None,
        ScriptReport,
    ),
    ControlRoute("DELETE", "/faults", faults.delete_all, "Disarm all scripts"),
    ControlRoute(
        "GET", "/requests", requests.search_, "The newest requests that match", None,
        records.Requests, query=Query,
    ),
    ControlRoute("GET", "/requests/{id}", requests.read, "One request by its id", None, Entry),
    ControlRoute(
        "GET", "/snapshots", snapshots.list_, "All snapshots of the hub", None, records.Snapshots
    ),
    ControlRoute(
        "POST", "/snapshots", snapshots.create, "Make a snapshot of the hub",
        records.SnapshotDraft, Snapshot, 201,
    ),
    ControlRoute(
        "POST", "/snapshots/{name}/restore", snapshots.restore, "Put everything back as it was",
        None, Snapshot,
    ),
    ControlRoute("DELETE", "/snapshots/{name}", snapshots.delete, "Remove a snapshot"),
)  # fmt: skip
