"""Changes as lines of text: the record's name, and each field with formatted money."""

from __future__ import annotations

import re

from headrace.model.entity import LINKS, SENT
from headrace.model.fields import Kind, sent_fields
from headrace.model.money import format_money
from headrace.sync.planning.name_texts import change_text, record_text
from headrace.sync.planning.plan import Change


def _of_kind(kind: Kind) -> tuple[str, ...]:
    rows = (row for record in SENT.values() for row in sent_fields(record))
    return tuple(row.wire for row in rows if row.rule.kind == kind)


_VERBS = {
    "create": "new",
    "update": "changed",
    "delete": "deleted",
    "release": "unlinked",
    "link": "linked",
}
_SILENT = {"externalId", "customer.externalId", "currency"}
"""Fields that the heading shows already."""
_AMOUNTS = (*_of_kind("amount"), "amountLinked")
_INSTANTS = _of_kind("instant")
_LINK = re.compile(r"(linked\w+)\[(.*)\]\.amountLinked")


def change_lines(change: Change, whose: bool = True) -> list[str]:
    """Return a heading and a line per field, with amounts as money.

    Field names are written as words: `grossAmount` becomes `gross amount`. The heading names the
    customer if `whose` is true.
    """
    heading = f"{_VERBS[change.action]} {change_text(change, whose)}"
    lines = [heading]
    if change.asked_at:
        lines.append(f"    asked for at {change.asked_at}, no answer seen")
    if change.action == "delete":
        return lines
    for name, before, after in change.fields:
        if (line := _field_line(change, name, before, after)) is not None:
            lines.append(f"    {line}")
    return lines


def _field_line(change: Change, name: str, before: str, after: str) -> str | None:
    """Return the line of one field; None if the heading shows it already."""
    if name in _SILENT or (name.startswith(tuple(LINKS)) and not name.endswith("amountLinked")):
        return None
    if name.endswith(_AMOUNTS):
        before, after = (_money(text, change.currency) for text in (before, after))
    elif name.endswith(_INSTANTS):
        before, after = before[:10], after[:10]
    if link := _LINK.fullmatch(name):
        number = change.targets.get(name.removesuffix(".amountLinked"), "")
        label = record_text(LINKS[link[1]].verb, link[2], number)
    else:
        label = re.sub(r"(?<=[a-z])([A-Z])", lambda found: " " + found[0].lower(), name)
    if change.action == "create":
        return f"{label}: {after}"
    return f"{label}: {before or '-'} → {after or '-'}"


def _money(text: str, currency: str) -> str:
    return format_money(int(text), currency) if text and currency else text
