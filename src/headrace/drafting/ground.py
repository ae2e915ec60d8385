"""What all drafted models share: the tables of each role, and how a row's customer, currency,
amount and day are read."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from headrace.drafting.answers import NEGATIVE, NONE, Answers, choice
from headrace.drafting.roles import pick
from headrace.drafting.select import UNFINISHED, Select, identifier, text
from headrace.drafting.survey import Column, Survey, Table
from headrace.drafting.vocabulary import COLUMNS
from headrace.drafting.words import likeness

SINGULAR = {
    "invoices": "invoice",
    "credit_notes": "credit_note",
    "payments": "payment",
    "refunds": "refund",
}
"""The roles that hold documents, with their entities."""


class Split(Struct, frozen=True):
    """How one table of documents is split into invoices and credit notes."""

    notes: str
    """SQL condition of credit notes; empty when the table has none."""
    kept: str
    """SQL condition of the documents that somebody owes; empty for all."""


class Ground:
    """A survey with its roles and answers. What it can't find is NULL, with a remark."""

    def __init__(self, survey: Survey, roles: Mapping[str, Table], answers: Answers) -> None:
        self.survey = survey
        self.roles = roles
        self.answers = answers

    def customer_key(self) -> str:
        """Return the column of the customers that other tables refer to, or their key."""
        table = self.roles["customers"]
        used = [r.to_column for r in self.survey.references if r.to_table == table.name]
        return max(used, key=used.count) if used else table.key or next(iter(table.columns))

    def customer(self, table: Table, select: Select) -> str:
        """Return SQL for the customer of a row, joining the invoices where only they know it."""
        customers, invoices = self.roles.get("customers"), self.roles.get("invoices")
        if customers and (found := self.survey.refers(table.name, customers.name)):
            plain = [r for r in found if not likeness(r.column, COLUMNS["parent"])]
            return select.own((plain or found)[0].column)
        if invoices and table is not invoices:
            found = self.survey.refers(table.name, invoices.name)
            of_invoice = customers and self.survey.refers(invoices.name, customers.name)
            if found and of_invoice:
                reference = found[0]
                joined = select.join(invoices.name, reference.column, reference.to_column)
                return f"{joined}.{identifier(of_invoice[0].column)}"
        return f"null {UNFINISHED} the customer"

    def split(self) -> Split:
        """Return how the table of invoices is split."""
        invoices = self.roles["invoices"]
        kept = ""
        if self.answers.leave_out not in ("", NONE):
            column, values = choice(self.answers.leave_out, "--leave-out")
            kept = f"{identifier(column)} not in ({', '.join(map(text, values))})"
        answer = self.answers.credit_notes
        if answer == NEGATIVE:
            return Split(f"{self._total()} < 0", kept)
        if "=" in answer:
            column, values = choice(answer, "--credit-notes")
            return Split(f"{identifier(column)} in ({', '.join(map(text, values))})", kept)
        if answer in invoices.columns:
            return Split(identifier(answer), kept)
        return Split("", kept)

    def _total(self) -> str:
        """Return SQL for the amount of a document, as a number."""
        column = self.roles["invoices"].columns.get(self.answers.amount)
        own = identifier(self.answers.amount)
        return number(column, own) if column is not None else own

    def currency(self, table: Table, select: Select) -> str:
        """Return SQL for the currency of a row: its column, its invoice's, or the one that was
        said."""
        column = pick(table, "currency")
        if column is not None:
            return select.own(column.name)
        invoices = self.roles.get("invoices")
        if invoices is not None and table is not invoices and pick(invoices, "currency"):
            found = self.survey.refers(table.name, invoices.name)
            if found:
                joined = select.join(invoices.name, found[0].column, found[0].to_column)
                return f"{joined}.{identifier(pick(invoices, 'currency').name)}"  # type: ignore[union-attr]
        return text(self.answers.currency or "EUR")

    def minor(
        self, column: Column | None, currency: str, select: Select, negative: bool = False
    ) -> str:
        """Return SQL for an amount in the currency's lowest division."""
        if column is None:
            return f"null {UNFINISHED} the amount"
        own = select.own(column.name)
        if column.is_money or negative:
            own = number(column, own)
        own = f"-{own}" if negative else own
        return own if self.answers.amounts == "minor" else f"minor({own}, {currency})"

    def amount_of(self, role: str) -> Column | None:
        """Return the column of a document's amount."""
        table = self.roles[role]
        if role in ("invoices", "credit_notes"):
            return self.amount_column(table)
        return pick(table, "amount", unlike=[table.key or ""])

    def amount_column(self, table: Table) -> Column | None:
        """Return the column with a document's total."""
        if table is self.roles.get("invoices") and self.answers.amount in table.columns:
            return table.columns[self.answers.amount]
        unlike = [table.key or ""]
        return pick(table, "gross_amount", unlike=unlike) or pick(table, "amount", unlike=unlike)

    def day(self, column: Column | None, select: Select, missing: str) -> str:
        """Return SQL for a day of a row; `missing` says what a person has to find."""
        if column is None:
            return f"null {UNFINISHED} {missing}"
        own = select.own(column.name)
        return own if column.mostly(column.dates) else f"date_text({own})"

    def first_date(self, table: Table) -> Column | None:
        """Return the first column of days that is always filled."""
        return next((c for c in table.columns.values() if c.is_date and c.filled == c.rows), None)


def number(column: Column, own: str) -> str:
    """Return SQL for the values of a column as numbers; `own` is the column in SQL."""
    if column.is_money:
        return f"money_text({own})"
    return f"try_cast({own} as decimal(38, 6))" if column.type == "VARCHAR" else own
