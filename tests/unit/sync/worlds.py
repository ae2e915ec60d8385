"""Small worlds in words, for the tests of ordering and pins.

`C1` is a customer, `C1<C2` one with its parent, `P:C1 100 I=60` a payment of 100 of customer C1
that settles 60 of invoice I; I, N, P and R begin the names of invoices, credit notes, payments and
refunds, and `USD` is another currency than the euro.
"""

from __future__ import annotations

from headrace.sync.journal import Key
from headrace.sync.ordering.links import Linkage

ENTITIES = {"C": "customer", "I": "invoice", "N": "credit_note", "P": "payment", "R": "refund"}
World = dict[Key, Linkage]


def key(name: str) -> Key:
    return ENTITIES[name[0]], name


def world(*texts: str) -> World:
    found = {}
    for text in texts:
        head, *words = text.split()
        if head[0] == "C":
            name, _, parent = head.partition("<")
            found[key(name)] = Linkage(customer=name, parent=parent)
            continue
        name, _, customer = head.partition(":")
        amount, currency, links = 0, "EUR", {}
        for word in words:
            target, equals, linked = word.partition("=")
            if equals:
                links[key(target)] = int(linked)
            elif word.isdecimal():
                amount = int(word)
            else:
                currency = word
        found[key(name)] = Linkage(customer, "", currency, amount, links)
    return found


def parts(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]
