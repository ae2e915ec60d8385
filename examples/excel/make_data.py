"""Makes the workbooks of `exports/`: python make_data.py

What an accountant exports by hand: a title above the table, days as days, amounts as numbers in one
workbook and as text in another, and a sheet that is nobody's table. Needs `pip install xlsxwriter`.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import xlsxwriter

FOLDER = Path(__file__).parent / "exports"
CLIENTS = [
    (
        "C001",
        "Moulin du Lac SA",
        "12 rue du Lac",
        "74000",
        "Annecy",
        "France",
        "compta@moulin.test",
    ),
    (
        "C002",
        "Bäckerei Engel",
        "Hauptstraße 3",
        "10115",
        "Berlin",
        "Deutschland",
        "engel@engel.test",
    ),
    ("C003", "Forno Rossi", "Via Roma 8", "20121", "Milano", "Italie", "info@rossi.test"),
    ("C004", "Panadería Sol", "Calle Mayor 5", "28013", "Madrid", "Espagne", ""),
]
DAY = date(2026, 1, 12)


def main() -> None:
    """Write the three workbooks."""
    FOLDER.mkdir(exist_ok=True)
    _clients()
    _invoices()
    _payments()


def _book(name: str, title: str, header: list[str]) -> tuple[xlsxwriter.Workbook, object]:
    book = xlsxwriter.Workbook(FOLDER / name)
    sheet = book.add_worksheet("Export")
    sheet.write(0, 0, title, book.add_format({"bold": True, "font_size": 14}))
    sheet.write_row(2, 0, header, book.add_format({"bold": True, "bottom": 1}))
    sheet.set_column(0, len(header), 18)
    return book, sheet


def _clients() -> None:
    header = ["Code client", "Raison sociale", "Adresse", "Code postal", "Ville", "Pays", "E-mail"]
    book, sheet = _book("clients.xlsx", "Liste des clients", header)
    for row, client in enumerate(CLIENTS, 3):
        sheet.write_row(row, 0, client)
    book.close()


def _invoices() -> None:
    header = [
        "Numéro",
        "Code client",
        "Date facture",
        "Échéance",
        "Total HT",
        "Total TTC",
        "Devise",
        "Statut",
    ]
    book, sheet = _book("factures.xlsx", "Journal des ventes 2026", header)
    day, money = (
        book.add_format({"num_format": "dd/mm/yyyy"}),
        book.add_format({"num_format": "#,##0.00"}),
    )
    for number in range(24):
        net = 150 + 37.5 * number if number % 6 else -(80 + number)
        issued = DAY + timedelta(days=5 * number)
        row = 3 + number
        sheet.write_string(row, 0, f"FA-2026-{number + 1:04}")
        sheet.write_string(row, 1, CLIENTS[number % 4][0])
        sheet.write_datetime(row, 2, issued, day)
        sheet.write_datetime(row, 3, issued + timedelta(days=30), day)
        sheet.write_number(row, 4, net, money)
        sheet.write_number(row, 5, round(net * 1.2, 2), money)
        sheet.write_string(row, 6, "EUR")
        sheet.write_string(row, 7, "brouillon" if number == 23 else "validée")
    book.close()


def _payments() -> None:
    header = ["N° règlement", "Code client", "Numéro facture", "Date", "Montant", "Mode"]
    book, sheet = _book("reglements.xlsx", "Règlements reçus", header)
    row = 3
    for number in range(1, 16, 2):
        gross = round((150 + 37.5 * number) * 1.2, 2)
        paid = gross if number % 3 else round(gross / 2, 2)
        text = f"{paid:,.2f}".replace(",", " ").replace(".", ",")
        issued = DAY + timedelta(days=5 * number + 20)
        means = ["Virement", "Carte bancaire", "Chèque"][number % 3]
        sheet.write_row(
            row,
            0,
            [
                str(row - 2),
                CLIENTS[number % 4][0],
                f"FA-2026-{number + 1:04}",
                issued.strftime("%d/%m/%Y"),
                text,
                means,
            ],
        )
        row += 1
    book.close()


if __name__ == "__main__":
    main()
