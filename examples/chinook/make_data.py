"""Makes `data/chinook.sqlite` from Chinook's CSV files: python make_data.py

Chinook is a music shop: it sells, and is silent about who paid. To have receivables, this adds
what an accountant would have added: the day on which an invoice was ticked off as paid (all up to
the end of September 2025, on the day of sale; the later ones are open), and two empty tables for
payments and credit notes to come.
"""

import csv
import sqlite3
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "data"

TABLES = """
create table Customer (CustomerId integer primary key, FirstName text, LastName text,
    Company text, Address text, City text, State text, Country text, PostalCode text,
    Phone text, Fax text, Email text, SupportRepId integer);
create table Invoice (InvoiceId integer primary key, CustomerId integer, InvoiceDate datetime,
    BillingAddress text, BillingCity text, BillingState text, BillingCountry text,
    BillingPostalCode text, Total numeric(10, 2), PaidOn date);
create table Payment (PaymentId integer primary key, InvoiceId integer, PaidOn date,
    Amount numeric(10, 2), Method text);
create table CreditNote (CreditNoteId integer primary key, InvoiceId integer, IssuedOn date,
    Total numeric(10, 2));
"""


def main(path: Path) -> None:
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    with connection:
        connection.executescript(TABLES)
        for table, width in (("Customer", 13), ("Invoice", 9)):
            with (FOLDER / "csv" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
                names, *rows = csv.reader(file)
            marks = ", ".join(["nullif(?, '')"] * width)
            insert = f"insert into {table} ({', '.join(names)}) values ({marks})"
            connection.executemany(insert, rows)
        connection.execute(
            "update Invoice set PaidOn = date(InvoiceDate) where InvoiceDate < '2025-10-01'"
        )
    connection.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / "chinook.sqlite")
