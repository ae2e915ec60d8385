"""Acts in a GnuCash book by GnuCash's own engine, each action in a session that is saved.

python3 gnucash_actor.py URI, with the Python that has Debian's python3-gnucash
"""

import datetime
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from actor_lines import act, answers
from gnucash import Account, GncNumeric, Query, Session, SessionOpenMode
from gnucash import gnucash_core_c as core
from gnucash.gnucash_business import Customer, Entry, Invoice
from gnucash.gnucash_core import Split
from gnucash.gnucash_core_c import ACCT_TYPE_BANK, ACCT_TYPE_INCOME, ACCT_TYPE_RECEIVABLE

TODAY = datetime.date.today()
URI = sys.argv[1]
KINDS = {"Bank": ACCT_TYPE_BANK, "Receivable": ACCT_TYPE_RECEIVABLE, "Sales": ACCT_TYPE_INCOME}


@contextmanager
def opened(mode: Any = SessionOpenMode.SESSION_NORMAL_OPEN) -> Iterator[Any]:
    """The book, saved at the end."""
    session = Session(URI, mode)
    try:
        yield session.book
        session.save()
    finally:
        session.end()


def _currency(book: Any) -> Any:
    return book.get_table().lookup("CURRENCY", "EUR")


def _account(book: Any, name: str) -> Any:
    return book.get_root_account().lookup_by_name(name)


def _found(book: Any, kind: str, made: Callable[..., Any]) -> list[Any]:
    query = Query()
    query.search_for(kind)
    query.set_book(book)
    found = [made(instance=result) for result in query.run()]
    query.destroy()
    return found


def _invoice(book: Any, number: str) -> Any:
    return next(one for one in _found(book, "gncInvoice", Invoice) if one.GetID() == number)


def _cents(amount: Any) -> int:
    return int(amount.num() * 100 // amount.denom())


def prepare() -> None:
    """Make the book with its accounts. A new one must be saved before it takes data."""
    with opened(SessionOpenMode.SESSION_NEW_STORE):
        pass
    with opened() as book:
        for name, kind in KINDS.items():
            account = Account(book)
            book.get_root_account().append_child(account)
            account.SetName(name)
            account.SetType(kind)
            account.SetCommodity(_currency(book))


def customer(number: str, email: str) -> None:
    """A customer, by the number that people know it by."""
    with opened() as book:
        made = Customer(book, number, _currency(book), f"Customer {number}")
        address = made.GetAddr()
        address.SetName("Anna Roux")
        address.SetAddr1("1 Harbour Street")
        address.SetEmail(email)


def draft(customer: str, number: str, cents: int, credit: bool = False) -> None:
    """An invoice, or a credit note, that is not posted."""
    with opened() as book:
        owner = book.CustomerLookupByID(customer)
        made = Invoice(book, number, _currency(book), owner, TODAY)
        if credit:
            made.SetIsCreditNote(True)
        entry = Entry(book, made)
        entry.SetDate(TODAY)
        entry.SetDescription("Consulting")
        entry.SetQuantity(GncNumeric(-1 if credit else 1))
        entry.SetInvAccount(_account(book, "Sales"))
        entry.SetInvPrice(GncNumeric(cents, 100))
        entry.SetInvTaxable(False)


def post(number: str) -> None:
    """Post a draft."""
    with opened() as book:
        due = TODAY + datetime.timedelta(30)
        receivable = _account(book, "Receivable")
        _invoice(book, number).PostToAccount(receivable, TODAY, due, "posted", True, False)


def unpost(number: str) -> None:
    """Make a posted document a draft again."""
    with opened() as book:
        _invoice(book, number).Unpost(False)


def pay(number: str, cents: int) -> None:
    """Pay an invoice, in part, in full or too much; pay a credit note out with what is negative."""
    with opened() as book:
        bank, money = _account(book, "Bank"), GncNumeric(cents, 100)
        _invoice(book, number).ApplyPayment(
            None, bank, money, GncNumeric(1), TODAY, "payment", f"P-{number}-{cents}"
        )


def cancel_payment(number: str) -> None:
    """Delete the payments of an invoice."""
    with opened() as book:
        lot = _invoice(book, number).GetPostedLot()
        for split in lot.get_split_list():
            entry = Split(instance=split).GetParent()
            if entry.GetTxnType() == "P":
                entry.Destroy()


def apply_credits(number: str) -> None:
    """Let the customer's open credit notes and payments settle an invoice."""
    with opened() as book:
        core.gncInvoiceAutoApplyPayments(_invoice(book, number).instance)


def rename(customer: str, name: str) -> None:
    """Change a customer's name."""
    with opened() as book:
        found = book.CustomerLookupByID(customer)
        found.BeginEdit()
        found.SetName(name)
        found.CommitEdit()


def describe(number: str, notes: str) -> None:
    """Change the notes of an invoice."""
    with opened() as book:
        found = _invoice(book, number)
        found.BeginEdit()
        found.SetNotes(notes)
        found.CommitEdit()


def delete(number: str) -> None:
    """Delete a draft with its lines."""
    with opened() as book:
        found = _invoice(book, number)
        for entry in found.GetEntries():
            entry.Destroy()
        found.Destroy()


def open_documents() -> dict[str, int]:
    """What is left in the lot of each posted document, by its number, as GnuCash says."""
    with opened() as book:
        left = {
            one.GetID(): abs(_cents(one.GetPostedLot().get_balance()))
            for one in _found(book, "gncInvoice", Invoice)
            if one.IsPosted()
        }
    return {number: amount for number, amount in left.items() if amount}


def receivable() -> int:
    """The balance of the receivable account. (What GnuCash calls a customer's balance leaves out
    what was paid too much.)"""
    with opened() as book:
        return _cents(_account(book, "Receivable").GetBalance())


ACTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(prepare, customer, draft, post, unpost, pay, cancel_payment, apply_credits, rename),
        *(describe, delete, open_documents, receivable),
    )
}


if __name__ == "__main__":
    act(ACTIONS, answers())
