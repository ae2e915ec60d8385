"""Acts in Tryton by proteus, its own client library.

TRYTOND_CONFIG=trytond.conf python tryton_actor.py prepare|act DATABASE
"""

import datetime
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from actor_lines import act, answers
from proteus import Model, Wizard, config
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, get_accounts
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company, get_company

TODAY = datetime.date.today()
MODULES = ["account_invoice", "account_payment", "account_statement", "account_dunning"]


def prepare() -> None:
    """Activate the modules in a database without any, and set up a company with accounts."""
    module = Model.get("ir.module")
    for found in module.find([("name", "in", MODULES)]):
        found.click("activate")
    Wizard("ir.module.activate_upgrade").execute("upgrade")
    create_company()
    company = get_company()
    company.cancel_invoice_out = True
    company.save()
    create_chart(company)
    year = set_fiscalyear_invoice_sequences(create_fiscalyear(today=TODAY))
    year.click("create_period")
    accounts = get_accounts()
    cash, writing_off = accounts["cash"], accounts["expense"]
    journals = Model.get("account.journal")
    (journal,) = journals.find([("type", "=", "cash")])
    method = Model.get("account.invoice.payment.method")
    method(name="Bank", journal=journal, credit_account=cash, debit_account=cash).save()
    (written,) = journals.find([("type", "=", "write-off")]) or [
        journals(name="Write-off", type="write-off")
    ]
    written.save()
    write_off = Model.get("account.move.reconcile.write_off")
    write_off(
        name="Goodwill", journal=written, credit_account=writing_off, debit_account=writing_off
    ).save()


def customer(name: str, email: str) -> str:
    """A party with an e-mail address."""
    party = Model.get("party.party")(name=name)
    mechanism = party.contact_mechanisms.new(type="email")
    mechanism.value = email
    party.save()
    return str(party.id)


def draft(party: str, amount: str, description: str = "") -> str:
    """An invoice that is not posted."""
    invoice = Model.get("account.invoice")(type="out", party=int(party), invoice_date=TODAY)
    invoice.description = description
    line = invoice.lines.new()
    line.account = get_accounts()["revenue"]
    line.description = "Consulting"
    line.quantity = 1
    line.unit_price = Decimal(amount)
    invoice.save()
    return str(invoice.id)


def _invoice(number: str) -> Any:
    return Model.get("account.invoice")(int(number))


def post(invoice: str) -> None:
    """Post a draft."""
    _invoice(invoice).click("post")


def invoice(party: str, amount: str) -> str:
    """An invoice that is posted."""
    made = draft(party, amount)
    post(made)
    return made


def pay(invoice: str, amount: str = "", way: str = "") -> None:
    """Pay an invoice, or pay out a credit note; in part, or with a write-off of the rest."""
    (method,) = Model.get("account.invoice.payment.method").find([("name", "=", "Bank")])
    wizard = _invoice(invoice).click("pay")
    if amount:
        wizard.form.amount = Decimal(amount)
    wizard.form.payment_method = method
    wizard.execute("choice")
    if wizard.state != "end":
        wizard.form.type = way or "partial"
        if way == "writeoff":
            (goodwill,) = Model.get("account.move.reconcile.write_off").find([])
            wizard.form.writeoff = goodwill
        wizard.execute("pay")


def unreconcile(invoice: str) -> None:
    """Take the reconciliation of an invoice apart."""
    lines = [line for line in _invoice(invoice).lines_to_pay if line.reconciliation]
    Wizard("account.move.unreconcile_lines", lines)


def reconcile(invoice: str) -> None:
    """Put it together again: the invoice's lines with those that pay it."""
    found = _invoice(invoice)
    lines = [*found.lines_to_pay, *found.payment_lines]
    Wizard("account.move.reconcile_lines", lines)


def cancel(invoice: str) -> None:
    """Cancel a posted invoice, which posts its opposite."""
    _invoice(invoice).click("cancel")


def credit(invoice: str, with_refund: bool) -> str:
    """Credit a whole invoice, with the credit note applied to it or not; returns the note."""
    wizard = Wizard("account.invoice.credit", [_invoice(invoice)])
    wizard.form.with_refund = with_refund
    if with_refund:
        wizard.form.invoice_date = TODAY
    wizard.execute("credit")
    invoices = Model.get("account.invoice")
    (note,) = invoices.find([("type", "=", "out")], order=[("id", "DESC")], limit=1)
    if note.state == "draft":
        note.invoice_date = TODAY
        note.click("post")
    return str(note.id)


def delete(invoice: str) -> None:
    """Delete a draft."""
    _invoice(invoice).delete()


def rename(party: str, name: str) -> None:
    """Change a party's name."""
    found = Model.get("party.party")(int(party))
    found.name = name
    found.save()


def describe(invoice: str, description: str) -> None:
    """Change the description of an invoice."""
    found = _invoice(invoice)
    found.description = description
    found.save()


def merge(party: str, into: str) -> None:
    """Replace a party by another, which gets all its documents."""
    parties = Model.get("party.party")
    wizard = Wizard("party.replace", [parties(int(party))])
    wizard.form.destination = parties(int(into))
    wizard.execute("replace")


def key() -> str:
    """A key for the REST API."""
    application = Model.get("res.user.application")(application="rest")
    application.user = Model.get("res.user")(config.get_config().user)
    application.save()
    return str(application.key)


def _cents(amount: Decimal) -> int:
    return int(amount * 100)


def balances() -> dict[str, int]:
    """What each party owes, as Tryton says."""
    found = Model.get("party.party").find([("receivable", "!=", 0)])
    return {str(party.id): _cents(party.receivable) for party in found}


def open_documents() -> dict[str, int]:
    """What is left to pay of each invoice and credit note, as Tryton says."""
    found = Model.get("account.invoice").find([("type", "=", "out"), ("state", "=", "posted")])
    left = {str(one.id): _cents(abs(one.amount_to_pay)) for one in found}
    return {number: amount for number, amount in left.items() if amount}


ACTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(customer, draft, post, invoice, pay, unreconcile, reconcile, cancel, credit, delete),
        *(rename, describe, merge, key, balances, open_documents),
    )
}


def main() -> None:
    """Connect to the database, and prepare it or act in it."""
    order, database = sys.argv[1:]
    write = answers()
    config.set_trytond(database, config_file=os.environ["TRYTOND_CONFIG"])
    if order == "prepare":
        prepare()
    else:
        config.get_config()._context = Model.get("res.user").get_preferences(True, {})
        act(ACTIONS, write)


if __name__ == "__main__":
    main()
