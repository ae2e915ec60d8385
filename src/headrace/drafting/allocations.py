"""Drafts the model of what settles what."""

from __future__ import annotations

from headrace.drafting.answers import NONE
from headrace.drafting.ground import SINGULAR, Ground
from headrace.drafting.roles import pick
from headrace.drafting.select import Select, identifier, text
from headrace.drafting.survey import Column, Table
from headrace.drafting.vocabulary import COLUMNS, ENTITIES
from headrace.drafting.words import likeness


class Allocations:
    """Drafts the model of what settles what."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._survey = ground.survey
        self._roles = ground.roles

    def text(self) -> str:
        """Return the model's SQL; empty where nothing links documents."""
        answer = self._ground.answers.links
        if answer in ("", NONE):
            return ""
        table = self._survey.tables.get(answer)
        if table is not None:
            return self._by_kinds(table) or self._by_references(table)
        return self._by_column(answer)

    def _by_column(self, column: str) -> str:
        """Payments, refunds and credit notes that each name the one invoice that they are for."""
        invoices = self._roles.get("invoices")
        if invoices is None:
            return ""
        parts = []
        for role in ("payments", "credit_notes"):
            table = self._roles.get(role)
            if table is None:
                continue
            found = self._survey.refers(table.name, invoices.name)
            reference = next((r for r in found if r.column == column), next(iter(found), None))
            if reference is None:
                continue
            select = Select(table.name)
            select.add("from_entity", text(SINGULAR[role]))
            select.add("from_external_id", select.own(table.key or ""))
            select.add("to_entity", "'invoice'")
            select.add(
                "to_external_id", self._target(reference.column, reference.to_column, select)
            )
            currency = self._ground.currency(table, select)
            amount = self._ground.amount_of(role)
            select.add("amount", self._ground.minor(amount, currency, select))
            select.where(f"{select.own(reference.column)} is not null")
            parts.append(select.sql())
        return "union all\n".join(parts)

    def _target(self, column: str, to_column: str, select: Select) -> str:
        """Return SQL for the external id of the invoice that a column names."""
        invoices = self._roles["invoices"]
        if to_column == invoices.key:
            return select.own(column)
        joined = select.join(invoices.name, column, to_column)
        return f"{joined}.{identifier(invoices.key or '')}"

    def _by_references(self, table: Table) -> str:
        """A table with a column for each side."""
        ends = [
            (role, found[0])
            for role in ("payments", "credit_notes", "refunds", "invoices")
            if role in self._roles
            and (found := self._survey.refers(table.name, self._roles[role].name))
        ]
        sources = [(role, r) for role, r in ends if role != "invoices"]
        target = next((r for role, r in ends if role == "invoices"), None)
        amount = pick(table, "amount", unlike=[table.key or ""])
        if not sources or target is None or amount is None:
            return ""
        parts = []
        for role, reference in sources:
            select = Select(table.name)
            source = self._roles[role]
            select.add("from_entity", text(SINGULAR[role]))
            select.add("from_external_id", select.own(reference.column))
            select.add("to_entity", "'invoice'")
            select.add("to_external_id", select.own(target.column))
            joined = select.join(source.name, reference.column, reference.to_column)
            own = pick(table, "currency") or pick(source, "currency")
            currency = text(self._ground.answers.currency or "EUR")
            if own is not None:
                holder = select.alias if pick(table, "currency") else joined
                currency = f"{holder}.{identifier(own.name)}"
            select.add("amount", self._ground.minor(amount, currency, select))
            parts.append(select.sql())
        return "union all\n".join(parts)

    def _by_kinds(self, table: Table) -> str:
        """A table with kind and id of each side."""
        from_kind, to_kind = pick(table, "source"), pick(table, "target")
        amount = pick(table, "amount", unlike=[table.key or ""])
        if from_kind is None or to_kind is None or amount is None:
            return ""
        from_id = _id_of(table, from_kind, "source")
        to_id = _id_of(table, to_kind, "target")
        if from_id is None or to_id is None:
            return ""
        t = identifier(table.name)
        sources = "\n    union all\n".join(
            f"    select {text(value)} as kind, {identifier(document.key or '')} as id, "
            f"{text(entity)} as entity, {currency} as currency\n"
            f"    from {identifier(document.name)}" + (f" where {condition}" if condition else "")
            for value in from_kind.values
            for entity, document, currency, condition in [self._held(value)]
            if document is not None
        )
        cases = "\n".join(
            f"        when {text(value)} then {text(_entity(value))}" for value in to_kind.values
        )
        currency = "sources.currency"
        amount_sql = (
            f"{t}.{identifier(amount.name)}"
            if self._ground.answers.amounts == "minor"
            else f"minor({t}.{identifier(amount.name)}, {currency})"
        )
        return (
            "-- An amount is in the currency of the document that it is taken from.\n"
            f"with sources as (\n{sources}\n)\n"
            "select\n"
            "    sources.entity as from_entity,\n"
            f"    {t}.{identifier(from_id.name)} as from_external_id,\n"
            f"    case {t}.{identifier(to_kind.name)}\n{cases}\n    end as to_entity,\n"
            f"    {t}.{identifier(to_id.name)} as to_external_id,\n"
            f"    {amount_sql} as amount\n"
            f"from {t}\n"
            f"join sources on sources.kind = {t}.{identifier(from_kind.name)}"
            f" and sources.id = {t}.{identifier(from_id.name)}\n"
        )

    def _held(self, value: str) -> tuple[str, Table | None, str, str]:
        """Return entity, table, currency and condition of the documents that a kind names."""
        entity = _entity(value)
        role = next(role for role, singular in SINGULAR.items() if singular == entity)
        condition = ""
        table = self._roles.get(role)
        if role in ("invoices", "credit_notes") and "invoices" in self._roles:
            split = self._ground.split()
            if table is None and role == "credit_notes":
                table, condition = self._roles["invoices"], split.notes
            elif role == "invoices" and split.notes:
                condition = split.notes.replace(" in (", " not in (", 1)
        column = pick(table, "currency") if table else None
        named = identifier(column.name) if column else text(self._ground.answers.currency or "EUR")
        return entity, table, named, condition


def _id_of(table: Table, kind: Column, meaning: str) -> Column | None:
    """Return the column with the ids of one side: named alike, but not its kinds."""
    scored = [
        (likeness(c.name, COLUMNS[meaning]), c)
        for c in table.columns.values()
        if c.name != kind.name and c.name != table.key and not c.is_date
    ]
    score, column = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return column if score else None


def _entity(value: str) -> str:
    scored = [(likeness(value, terms), entity) for entity, terms in ENTITIES.items()]
    return max(scored)[1]
