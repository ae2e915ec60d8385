"""The records of an organisation that need somebody: rejected, withheld, drifted, collected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from headrace.fleet.picture import opened_picture
from headrace.model.errors import BadRequest, NotFound
from headrace.model.money import format_money
from headrace.sync.collection.collected import Collected
from headrace.sync.journal import Drift, Journal, Reject
from headrace.sync.planning.names import UNKNOWN, Name, acknowledged_names, refused_names
from headrace.watching.pages.amounts import with_money
from headrace.watching.pages.paging import Part, part_of, span_of
from headrace.watching.pages.visit import Visit, place_of

FEW, MANY = 10, 50
"""Rows on an organisation's page, and on a page of their own."""


class Row(Struct, frozen=True, kw_only=True):
    """One record in a list."""

    entity: str
    external_id: str
    title: str
    whose: str
    amount: str = ""
    at: float = 0.0
    texts: list[str] = []
    """What is wrong, and what to do."""
    fields: dict[str, str] = {}
    ignored: bool = False

    @property
    def record(self) -> str:
        """The record as commands name it."""
        return f"{self.entity}/{self.external_id}"


def rejects(visit: Visit, size: int) -> Part:
    """Return the rejected records, those that are ignored last."""
    with visit.journal() as journal:
        found = sorted(journal.rejects(), key=lambda one: (one.ignored, -one.rejected_at, one.key))
        part = part_of(visit, found, size)
        names = refused_names(journal, part.rows)
    rows = [_reject_row(one, names.get(one.key, UNKNOWN)) for one in part.rows]
    return msgspec.structs.replace(part, rows=rows)


def _reject_row(one: Reject, name: Name) -> Row:
    return Row(
        **_named(one.entity, one.external_id, name),
        at=one.rejected_at,
        texts=[f"{one.status} {one.message}"],
        ignored=one.ignored,
    )


def _named(entity: str, external_id: str, name: Name) -> dict[str, Any]:
    own = entity == "customer"
    return {
        "entity": entity,
        "external_id": external_id,
        "title": (name.customer_name if own else name.number) or external_id,
        "whose": "" if own else name.customer_name,
        "amount": "" if name.amount is None else format_money(name.amount, name.currency),
    }


def drifts(visit: Visit, size: int) -> Part:
    """Return the records that the API stores differently."""
    with visit.journal() as journal:
        part = part_of(visit, journal.drifts(), size)
        keys = [(one.entity, one.external_id) for one in part.rows]
        names = acknowledged_names(journal, keys) if keys else {}
    rows = [_drift_row(one, names.get((one.entity, one.external_id), UNKNOWN)) for one in part.rows]
    return msgspec.structs.replace(part, rows=rows)


def _drift_row(one: Drift, name: Name) -> Row:
    currency = name.currency
    fields = {
        field: f"sent {with_money(field, sent, currency) or '–'}, "
        f"stored {with_money(field, stored, currency) or '–'}"
        for field, sent, stored in one.fields
    }
    return Row(**_named(one.entity, one.external_id, name), at=one.found_at, fields=fields)


def collected(visit: Visit, size: int) -> Part:
    """Return what Upflow collected, as it was last read, the newest first."""
    with visit.journal() as journal:
        found = sorted(_collected(journal), key=lambda one: (one.day, one.id), reverse=True)
    part = part_of(visit, found, size)
    rows = [
        Row(
            entity=one.entity,
            external_id=one.id,
            title=one.reference or one.id,
            whose=one.customer_name or one.customer,
            amount=format_money(one.amount, one.currency),
            texts=[one.day, one.instrument],
        )
        for one in part.rows
    ]
    return msgspec.structs.replace(part, rows=rows)


def _collected(journal: Journal) -> list[Collected]:
    return [
        msgspec.json.decode(content, type=Collected)
        for entity in ("payment", "refund")
        for content in journal.collected(entity)
    ]


def stays(visit: Visit, size: int) -> Part:
    """Return the records that stay behind by the last plan: withheld, held, or left the source."""
    with opened_picture(visit.project.data_folder(visit.name)) as picture:
        if picture is None:
            return part_of(visit, [], size)
        span = span_of(visit, sum(picture.head.stays.values()), size)
        return span.part(picture.stays(span.offset, size))


LISTS: dict[str, Callable[[Visit, int], Part]] = {
    "rejects": rejects,
    "staying": stays,
    "drift": drifts,
    "collected": collected,
}


def list_page(visit: Visit) -> Response:
    """One of the lists as a page of its own. Raises NotFound."""
    kind = str(visit.request.path_params["list"])
    if kind not in LISTS:
        raise NotFound(f"There is no list {kind}.")
    return visit.render("list.html", name=visit.name, kind=kind, part=LISTS[kind](visit, MANY))


def retry(visit: Visit) -> Response:
    """Let the next round send rejected records again. Raises BadRequest if none is chosen."""
    chosen = set(visit.form.getlist("record"))
    everything = visit.form.text("all") == "yes"
    if not chosen and not everything:
        raise BadRequest("No record is chosen.")
    with visit.journal() as journal:
        there = {f"{one.entity}/{one.external_id}": one.key for one in journal.rejects()}
        if unknown := chosen - there.keys():
            raise BadRequest(f"{min(unknown)} is not rejected any more.")
        journal.drop_rejects([key for name, key in there.items() if everything or name in chosen])
    if visit.site.loop is not None:
        visit.site.loop.ask(visit.name)
    count = len(there) if everything else len(chosen)
    return visit.redirect(place_of(visit.name, "", {"retried": str(count)}))
