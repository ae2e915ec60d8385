"""Writes the picture of a plan: its operations by customer, and what stays behind."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress

import msgspec
from msgspec import Struct, field

from headrace.fleet.picture import (
    PICTURE,
    SCHEMA,
    CustomerPart,
    Head,
    Outstanding,
    ShownOperation,
    Stay,
    opened_picture,
    plain_row,
    replacing,
)
from headrace.model.entity import BY_NAME
from headrace.model.money import format_money
from headrace.sync.operations.pdf_digests import PDF_OF
from headrace.sync.planning.change_texts import change_lines
from headrace.sync.planning.name_texts import signed_money
from headrace.sync.planning.plan import Change, Plan, Withheld
from headrace.sync.planning.scope import WHOLE
from headrace.sync.session import Organisation

_FIRST = 200
"""Operations that are kept of a plan that does not wait."""
_ROWS = 1_000
"""Records that stay behind whose rows are kept."""
_CHUNK = 1_000
_OWED = {"invoice": 1, "refund": 1, "payment": -1, "credit_note": -1}
"""Whether an entity's amount adds to what a customer owes."""
_AMOUNTS = ("grossAmount", "amount")


class _Part(Struct):
    """The part of one customer while it is added up."""

    name: str = ""
    operations: int = 0
    first: int = 0
    change: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def weight(self) -> int:
        return max((abs(amount) for amount in self.change.values()), default=0)


class _Sums:
    """What a plan changes of the outstanding amounts, and by customer."""

    def __init__(self, claimed: set[tuple[str, str]]) -> None:
        self._claimed = claimed
        self._created: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._other: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.parts: dict[str, _Part] = defaultdict(_Part)

    def add(self, number: int, change: Change) -> None:
        part = self.parts[change.customer]
        part.name = part.name or change.customer_name
        part.operations += 1
        part.first = part.first or number
        if change.entity not in _OWED or change.action in ("release", "link"):
            return
        # What Upflow collected counts there already.
        if (change.entity, change.external_id) in self._claimed:
            return
        for currency, amount in _effects(change):
            if amount is None:
                self._other[currency]["unknown"] += 1
                continue
            part.change[currency] += amount
            if change.action == "create":
                self._created[currency][change.entity] += amount
            else:
                self._other[currency][f"{change.action}d"] += amount

    def outstanding(self) -> list[Outstanding]:
        return [
            Outstanding(
                currency=currency,
                created=dict(self._created[currency]),
                change=sum(self._created[currency].values())
                + self._other[currency]["updated"]
                + self._other[currency]["deleted"],
                **self._other[currency],
            )
            for currency in sorted({*self._created, *self._other})
        ]


def _effects(change: Change) -> Iterator[tuple[str, int | None]]:
    """Yield (currency, change of what the customer owes); None where that is unknown."""
    sign = _OWED[change.entity]
    if change.action != "update":
        amount = change.amount if change.action == "create" else _negated(change.amount)
        yield change.currency, None if amount is None else sign * amount
        return
    fields = {name: (before, after) for name, before, after in change.fields}
    if not fields or "currency" in fields:
        yield change.currency, None
        return
    for name in _AMOUNTS:
        if name in fields:
            before, after = fields[name]
            yield change.currency, sign * (int(after or 0) - int(before or 0))


def _negated(amount: int | None) -> int | None:
    return None if amount is None else -amount


def keep_picture(opened: Organisation, plan: Plan, id: str) -> None:
    """Keep the organisation's last plan for the pages; `id` is that of its approval, or empty.

    Nothing is written if it is the same as before. Disk errors are ignored: the picture then stays
    as it was, with its time.
    """
    with suppress(OSError, sqlite3.Error):
        _keep(opened, plan, id)


def _keep(opened: Organisation, plan: Plan, id: str) -> None:
    data = opened.data
    digest = _digest(opened, plan, id)
    with opened_picture(data) as before:
        if before is not None and before.head.digest == digest:
            return
    waits = bool(id or plan.objections)
    with replacing(data / PICTURE, SCHEMA) as database:
        sums = _Sums({(one.entity, one.external_id) for one in plan.claims})
        kept = _write_operations(database, opened, sums, None if waits else _FIRST)
        parts = sorted(sums.parts.items(), key=lambda item: (-item[1].weight, item[0]))
        database.executemany(
            "insert into customers values (?, ?, ?)",
            (
                (place, customer, _part(customer, part))
                for place, (customer, part) in enumerate(parts)
            ),
        )
        database.execute("create index operations_of on operations (customer, number)")
        database.execute("create index customers_by on customers (customer)")
        stays = list(_stays(opened, plan))
        database.executemany(
            "insert into stays values (?, ?)",
            ((place, msgspec.json.encode(one)) for place, one in enumerate(stays)),
        )
        head = _head(plan, id, digest, kept, sums)
        database.execute("insert into head values (?)", (msgspec.json.encode(head),))


def _part(customer: str, part: _Part) -> bytes:
    change = {currency: amount for currency, amount in part.change.items() if amount}
    return msgspec.json.encode(
        CustomerPart(
            customer=customer,
            name=part.name,
            operations=part.operations,
            first=part.first,
            change=change,
        )
    )


def _digest(opened: Organisation, plan: Plan, id: str) -> str:
    same = msgspec.structs.replace(plan, made_at="", id="", latency=0.0)
    digest = hashlib.blake2b(msgspec.json.encode(same), digest_size=16)
    digest.update(f"{id} {0 if plan.empty else opened.saved(plan, WHOLE).digest}".encode())
    return digest.hexdigest()


def _head(plan: Plan, id: str, digest: str, kept: int, sums: _Sums) -> Head:
    notes = []
    if plan.new_fields:
        notes.append(f"Custom fields are created first: {', '.join(plan.new_fields)}.")
    if plan.claims:
        notes.append(f"{len(plan.claims):,} are linked to what Upflow collected, not created.")
    if plan.rebound:
        notes.append(f"{plan.rebound}.")
    if plan.unread:
        notes.append(f"The payments that Upflow collected could not be read: {plan.unread}.")
    if plan.left_out:
        notes.append(f"{plan.left_out:,} changes are left out of this plan.")
    return Head(
        made_at=plan.made_at,
        id=id,
        digest=digest,
        objections=plan.objections,
        notes=notes,
        counts=plan.counts,
        money=plan.money,
        requests=plan.requests,
        seconds=plan.seconds,
        kept=kept,
        outstanding=sums.outstanding(),
        customers=len(sums.parts),
        stays={
            kind: len(records)
            for kind, records in (
                ("withheld", plan.withheld),
                ("held", plan.held),
                ("departed", plan.departed),
            )
            if records
        },
        warnings=sum(one.severity != "error" for one in plan.problems),
    )


def _write_operations(
    database: sqlite3.Connection, opened: Organisation, sums: _Sums, limit: int | None
) -> int:
    number, rows = 0, []
    for number, change in enumerate(opened.changes(limit), 1):
        sums.add(number, change)
        rows.append((number, change.customer, _shown(number, change)))
        if len(rows) == _CHUNK:
            _add(database, opened, rows)
            rows = []
    _add(database, opened, rows)
    return number


def _add(
    database: sqlite3.Connection,
    opened: Organisation,
    rows: list[tuple[int, str, ShownOperation]],
) -> None:
    pdfs = [(one.entity, one.external_id) for _, _, one in rows if one.entity in PDF_OF]
    places = _locations(opened, pdfs) if pdfs else {}
    database.executemany(
        "insert into operations values (?, ?, ?)",
        (
            (number, customer, msgspec.json.encode(_located(one, places)))
            for number, customer, one in rows
        ),
    )


def _located(one: ShownOperation, places: dict[tuple[str, str], str]) -> ShownOperation:
    location = places.get((one.entity, one.external_id), "")
    return msgspec.structs.replace(one, location=location) if location else one


def _locations(opened: Organisation, pdfs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the locations of PDFs; those in a column of the source have none."""
    rows = opened.book.connection.execute(
        "select entity || '_pdf', external_id, location from book.documents "
        "where external_id in (select unnest($1::varchar[])) and location is not null",
        [[external_id for _, external_id in pdfs]],
    ).fetchall()
    return {(entity, external_id): location for entity, external_id, location in rows}


def _shown(number: int, change: Change) -> ShownOperation:
    _, *lines = change_lines(change, whose=False)
    return ShownOperation(
        number=number,
        entity=change.entity,
        external_id=change.external_id,
        action=change.action,
        title=change.number or change.external_id,
        amount=_amount(change),
        lines=[line.strip() for line in lines],
    )


def _amount(change: Change) -> str:
    if change.amount is None or change.entity in PDF_OF:
        return ""
    if change.action in ("update", "link"):
        return f"open {signed_money(change.amount, change.currency)}" if change.amount else ""
    return format_money(change.amount, change.currency)


def _stays(opened: Organisation, plan: Plan) -> Iterator[Stay]:
    remedies = {
        (one.entity, one.external_id): one.remedy
        for one in plan.problems
        if one.severity == "error"
    }
    rows = _model_rows(opened, plan.staying[:_ROWS])
    for kind, records in (
        ("withheld", plan.withheld),
        ("held", plan.held),
        ("departed", plan.departed),
    ):
        for one in records:
            key = (one.entity, one.external_id)
            money = "" if one.amount is None else format_money(one.amount, one.currency)
            yield Stay(
                kind=kind,  # type: ignore[arg-type]
                entity=one.entity,
                external_id=one.external_id,
                reason=one.reason,
                remedy=remedies.get(key, ""),
                customer_name=one.customer_name,
                number=one.number,
                amount=money,
                row=rows.get(key, {}),
            )


def _model_rows(
    opened: Organisation, records: Sequence[Withheld]
) -> dict[tuple[str, str], dict[str, str]]:
    """Return the models' rows of these records."""
    found = {}
    for name in sorted({one.entity for one in records} & BY_NAME.keys()):
        wanted = [one.external_id for one in records if one.entity == name]
        cursor = opened.book.connection.execute(
            f"select * from book.{BY_NAME[name].plural} "
            "where external_id in (select unnest($1::varchar[]))",
            [wanted],
        )
        names = [str(column[0]) for column in cursor.description or ()]
        for row in cursor.fetchall():
            values = plain_row(dict(zip(names, row, strict=True)))
            found[name, values["external_id"]] = values
    return found
