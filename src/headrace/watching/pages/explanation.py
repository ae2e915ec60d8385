"""The page that explains a record, as a picture from the source's row to the balance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from headrace.alerts.texts import when
from headrace.model.entity import BY_NAME
from headrace.model.errors import ConfigurationError
from headrace.model.money import format_money
from headrace.sync.dossier import Dossier, Dossiers, Link
from headrace.sync.journal import Journal
from headrace.sync.planning.payload_changes import field_changes
from headrace.watching.pages.amounts import all_with_money
from headrace.watching.pages.visit import Visit, place_of

_WAIT_S = 2.0
"""Seconds to wait for other readers of the same book."""
_LINKS = 50
_WORDS_MAX = 300


class Step(Struct, frozen=True, kw_only=True):
    """One station of a record's way."""

    title: str
    state: str
    """In a word or two, for a badge."""
    kind: str
    """`good`, `warn`, `bad`, `info` or `none`, for the badge's colour."""
    note: str = ""
    tables: list[tuple[str, dict[str, str]]] = []
    """Captions with values by name."""
    points: list[str] = []


class Bar(Struct, frozen=True):
    """A part of the record's amount, or of the customer's balance."""

    label: str
    amount: str
    share: int
    """Percent of the largest."""


def explanation(visit: Visit) -> Response:
    """Where a record comes from, what was sent of it, and what it does to the balance."""
    name = visit.name
    words = visit.request.query_params.get("record", "").strip()[:_WORDS_MAX]
    values: dict[str, Any] = {"name": name, "words": words, "error": "", "one": None}
    values |= {"steps": [], "bars": [], "closed": "", "began": ""}
    loop = visit.site.loop
    books = loop.books if loop is not None else None
    if not words:
        return visit.render("explanation.html", **values)
    began_at = visit.view.began_at
    with visit.journal() as journal:
        if books is not None:
            with books.borrowed(name, _WAIT_S) as opened:
                if opened is not None and opened.made is not None:
                    with opened.book.connection.cursor() as cursor:
                        return _explained(
                            visit, Dossiers(opened, opened.made, cursor, journal), values
                        )
        values["closed"] = "round" if began_at is not None else "closed"
        values["began"] = when(began_at) if began_at is not None else ""
        values["steps"] = _by_journal(journal, words)
    return visit.render("explanation.html", **values)


def _explained(visit: Visit, dossiers: Dossiers, values: dict[str, Any]) -> Response:
    try:
        one = dossiers.read(dossiers.find(values["words"]))
    except ConfigurationError as error:
        return visit.render("explanation.html", 404, **{**values, "error": str(error)})
    values |= {"one": one, "steps": _steps(one), "bars": _bars(one)}
    return visit.render("explanation.html", **values)


def open_book(visit: Visit) -> Response:
    """Let the next round open the organisation's book, and lead back to the record."""
    if visit.site.loop is not None:
        visit.site.loop.ask(visit.name, open_book=True)
    words = visit.form.text("record")[:_WORDS_MAX]
    return visit.redirect(place_of(visit.name, "explain", {"record": words}))


# the steps -------------------------------------------------------------------------------------


def _steps(one: Dossier) -> list[Step]:
    return [_source(one), _model(one), _payload(one), _api(one), _balance(one)]


def _source(one: Dossier) -> Step:
    tables = [
        (f"{held.table}, found by {held.column}", _texts(row))
        for held in one.source
        for row in held.rows
    ]
    if tables:
        return Step(title="Source", state="found", kind="good", tables=tables)
    note = f"No column holds the id {one.external_id}."
    if one.row is not None:
        return Step(
            title="Source", state="composed", kind="none", note=f"{note} {one.model} composes it."
        )
    return Step(title="Source", state="missing", kind="warn", note=note)


def _model(one: Dossier) -> Step:
    problems = [
        *one.problems,
        *(f"{_link_label(link)}: not sent, {link.reason}" for link in one.links if link.reason),
    ][:_LINKS]
    kind, state = ("bad", "in error") if _in_error(one) else ("good", "made")
    if one.row is None:
        return Step(title="Model", state="no row", kind="none", points=problems)
    return Step(
        title="Model",
        state=state,
        kind=kind,
        tables=[(str(one.model), all_with_money(_texts(one.row), _currency(one)))],
        points=problems,
    )


def _in_error(one: Dossier) -> bool:
    return any(problem.startswith("error") for problem in one.problems)


def _payload(one: Dossier) -> Step:
    if one.verdict.startswith(("withheld", "held back")):
        return Step(title="Sent", state="not sent", kind="bad", note=_sentence(one.verdict))
    if one.payload is None:
        return Step(title="Sent", state="nothing", kind="none", note=_sentence(one.verdict))
    state, kind = ("to be sent", "info") if one.next else ("sent", "good")
    note = _sentence(one.verdict) if one.next else ""
    changes = _changes(one)
    points = [f"{name}: {before or '–'} → {after or '–'}" for name, before, after in changes]
    fields = {} if points else all_with_money(_flat(one.payload), _currency(one))
    tables = [("What is sent", fields)] if fields else []
    return Step(
        title="Sent",
        state=state,
        kind=kind,
        note=note,
        tables=tables,
        points=points,
    )


def _changes(one: Dossier) -> list[tuple[str, str, str]]:
    if one.acknowledged is None or one.payload is None or one.acknowledged == one.payload:
        return []
    before, after = (json.dumps(each).encode() for each in (one.acknowledged, one.payload))
    return field_changes(before, after)


def _flat(payload: Any) -> dict[str, str]:
    empty = b"{}"
    return {name: after for name, _, after in field_changes(empty, json.dumps(payload).encode())}


def _api(one: Dossier) -> Step:
    points = []
    if one.unanswered:
        points.append(f"{one.unanswered} was sent, and no answer came: the next round finds out.")
    if one.refused:
        points.append(f"Refused: {one.refused}")
    if one.drift is not None:
        points += [
            f"{name}: the API keeps {stored or 'nothing'} instead of {sent or 'nothing'}"
            for name, sent, stored in one.drift.fields
        ]
    if one.refused:
        return Step(title="API", state="rejected", kind="bad", points=points)
    if one.drift is not None:
        return Step(title="API", state="stored differently", kind="bad", points=points)
    if not one.known_to_api:
        return Step(title="API", state="has nothing of it", kind="none", points=points)
    if one.acknowledged is None:
        note = "What was sent is not kept (keep_payloads = false)."
        return Step(title="API", state="acknowledged", kind="good", note=note, points=points)
    if one.payload is not None and one.acknowledged != one.payload:
        tables = [("What the API acknowledged", _flat(one.acknowledged))]
        return Step(
            title="API", state="an earlier state", kind="warn", tables=tables, points=points
        )
    note = "The API acknowledged exactly this."
    return Step(title="API", state="acknowledged", kind="good", note=note, points=points)


def _balance(one: Dossier) -> Step:
    if not one.owed:
        return Step(title="Balance", state="none", kind="none", note="It changes no balance.")
    whose = "It" if one.entity == "customer" else f"Customer {one.customer}"
    sums = [format_money(owed.balance, owed.currency) for owed in one.owed]
    note = f"{whose} owes this by the models; see the sums below."
    return Step(title="Balance", state=sums[0], kind="info", note=note, points=sums[1:])


def _by_journal(journal: Journal, words: str) -> list[Step]:
    """Return what the journal alone knows of a record that is named as ENTITY/ID."""
    entity, _, external_id = words.partition("/")
    if entity not in BY_NAME or not external_id:
        return []
    key = (entity, external_id)
    acknowledged = journal.acknowledged([key]).get(key)
    reject = next((one for one in journal.rejects() if one.key == key), None)
    points = [f"Refused: {reject.status} {reject.message}"] if reject is not None else []
    if acknowledged is None:
        return [Step(title="API", state="has nothing of it", kind="none", points=points)]
    kept = {} if acknowledged.payload is None else _flat(json.loads(acknowledged.payload))
    fields = all_with_money(kept, kept.get("currency", ""))
    tables = [("What the API acknowledged", fields)] if fields else []
    return [Step(title="API", state="acknowledged", kind="good", tables=tables, points=points)]


# the balance -----------------------------------------------------------------------------------


def _bars(one: Dossier) -> list[tuple[str, list[Bar]]]:
    """Return the picture's last part: charts with their captions."""
    charts = []
    row, currency = one.row or {}, _currency(one)
    amount = row.get("gross_amount") or row.get("amount") or ""
    if one.entity != "customer" and currency and amount.lstrip("-").isdecimal():
        charts.append(("What is open of it", _open_bars(one, int(amount), currency)))
    for owed in one.owed:
        parts = [
            (f"{entity.replace('_', ' ')}s", part) for entity, part in sorted(owed.amounts.items())
        ]
        title = f"What customer {one.customer} owes in {owed.currency}, by the models"
        charts.append((title, _scaled([*parts, ("balance", owed.balance)], owed.currency)))
    return charts


def _open_bars(one: Dossier, amount: int, currency: str) -> list[Bar]:
    parts = [("amount", amount)]
    left = amount
    for link in [link for link in one.links if link.amount is not None and not link.reason]:
        left -= link.amount or 0
        if len(parts) <= _LINKS:
            parts.append((_link_label(link), -(link.amount or 0)))
    return _scaled([*parts, ("open", left)], currency)


def _link_label(link: Link) -> str:
    verb = "settled by" if link.direction == "from" else "settles"
    return f"{verb} {link.entity.replace('_', ' ')} {link.external_id}"


def _scaled(parts: list[tuple[str, int]], currency: str) -> list[Bar]:
    largest = max((abs(amount) for _, amount in parts), default=0) or 1
    return [
        Bar(label, format_money(amount, currency), abs(amount) * 100 // largest)
        for label, amount in parts
    ]


def _currency(one: Dossier) -> str:
    return (one.row or {}).get("currency") or str((one.acknowledged or {}).get("currency") or "")


def _texts(row: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in row.items() if value is not None}


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
