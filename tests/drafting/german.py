"""A generated billing database as a German shop might have it: tables and columns in German, days
as text, amounts in the currency's lowest division."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

TABLES = {
    "clients": (
        "kunden",
        {
            "client_no": "kunden_nr",
            "company": "firma",
            "vat": "ust_id",
            "ledger_code": "konto",
            "street": "strasse",
            "postcode": "plz",
            "town": "ort",
            "country": "land",
            "parent_no": "mutter_nr",
        },
    ),
    "people": (
        "ansprechpartner",
        {
            "person_id": "person_id",
            "client_no": "kunden_nr",
            "given_name": "vorname",
            "family_name": "nachname",
            "mail": "mail",
            "phone": "telefon",
            "role": "funktion",
            "main": "hauptkontakt",
        },
    ),
    "bills": (
        "rechnungen",
        {
            "bill_id": "beleg_id",
            "bill_no": "belegnummer",
            "kind": "art",
            "client_no": "kunden_nr",
            "issued": "rechnungsdatum",
            "due": "faellig_am",
            "currency": "waehrung",
            "total": "brutto",
            "net": "netto",
            "subject": "betreff",
            "settled_on": "bezahlt_am",
            "pdf": "pdf",
        },
    ),
    "money_in": (
        "zahlungseingaenge",
        {
            "receipt_id": "eingang_id",
            "client_no": "kunden_nr",
            "received_on": "eingegangen_am",
            "currency": "waehrung",
            "amount": "betrag",
            "method": "zahlungsart",
            "reference": "verwendungszweck",
        },
    ),
    "money_out": (
        "auszahlungen",
        {
            "payout_id": "auszahlung_id",
            "client_no": "kunden_nr",
            "paid_on": "ausgezahlt_am",
            "currency": "waehrung",
            "amount": "betrag",
            "method": "zahlungsart",
            "reference": "verwendungszweck",
        },
    ),
    "applied": (
        "zuordnungen",
        {
            "source_kind": "von_art",
            "source_id": "von_id",
            "target_kind": "auf_art",
            "target_id": "auf_id",
            "amount": "betrag",
        },
    ),
    "journal": (
        "buchungen",
        {
            "entry_id": "buchung_id",
            "client_no": "kunden_nr",
            "booked_on": "gebucht_am",
            "currency": "waehrung",
            "amount": "betrag",
            "remark": "bemerkung",
        },
    ),
}
KINDS = {
    "INVOICE": "RECHNUNG",
    "CREDIT": "GUTSCHRIFT",
    "BILL": "RECHNUNG",
    "RECEIPT": "ZAHLUNGSEINGANG",
    "PAYOUT": "AUSZAHLUNG",
}
METHODS = {
    "WIRE_TRANSFER": "Überweisung",
    "DIRECT_DEBIT": "Lastschrift",
    "CARD": "Kreditkarte",
    "CASH": "Bar",
    "CHECK": "Scheck",
    "UNKNOWN": "Sonstige",
}
_DIGITS = "case {c} when 'JPY' then 1 when 'KWD' then 1000 else 100 end"
_MONEY = {"total", "net", "amount"}


def translate(path: Path, to: Path) -> None:
    """Write the generated database `path` again as `to`, in German and in cents."""
    with closing(sqlite3.connect(to)) as database:
        database.execute("attach ? as old", [str(path)])
        for table, (german, columns) in TABLES.items():
            join = ""
            if table == "applied":
                join = (
                    " join (select 'RECEIPT' as kind, receipt_id as id, currency from old.money_in"
                    " union all select 'PAYOUT', payout_id, currency from old.money_out"
                    " union all select 'CREDIT', bill_id, currency from old.bills) as source"
                    " on source.kind = source_kind and source.id = source_id"
                )
            scale = _DIGITS.format(c="source.currency" if join else "currency")
            parts = [
                f"cast(round({old} * {scale}) as integer) as {new}"
                if old in _MONEY
                else f"{_case(old)} as {new}"
                for old, new in columns.items()
            ]
            database.execute(
                f"create table {german} as select {', '.join(parts)} from old.{table}{join}"
            )
        database.commit()


def _case(column: str) -> str:
    known = KINDS if column.endswith("kind") else METHODS if column == "method" else {}
    if not known:
        return column
    cases = " ".join(f"when '{old}' then '{new}'" for old, new in known.items())
    return f"case {column} {cases} else {column} end"
