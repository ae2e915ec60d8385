"""How to pay by bank transfer: the account, the reference to quote, and a QR code for SEPA."""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal

from markupsafe import Markup
from msgspec import Struct

from headrace.model.collection import BankAccount

try:
    from segno import helpers
except ImportError:
    helpers = None  # type: ignore[assignment]

_NAME_MAX = 70
_TEXT_MAX = 140
_REFERENCE_MAX = 140
_AMOUNT_MAX = 99_999_999_999
"""In cents: the most that the code may ask for (EPC069-12 of the European Payments Council)."""


class Transfer(Struct, frozen=True):
    """One transfer, as a customer fills it in."""

    holder: str
    account: BankAccount
    amount: int
    currency: str
    reference: str

    @property
    def iban(self) -> str:
        """The IBAN in groups of four."""
        iban = _compact(self.account.iban)
        return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


def reference_for(numbers: Sequence[str], customer: str) -> str:
    """Return the reference to quote: the numbers of all invoices where they fit, else the
    customer's."""
    text = " ".join(number for number in numbers if number)
    return text if numbers and text and len(text) <= _REFERENCE_MAX else customer[:_REFERENCE_MAX]


def qr_code(transfer: Transfer, label: str) -> Markup | None:
    """Return an EPC QR code as SVG, with `label` as its text; None where there can be none.

    The code is for euros to an IBAN, between a cent and 999,999,999.99. Needs segno, an extra.
    """
    possible = transfer.currency == "EUR" and 0 < transfer.amount <= _AMOUNT_MAX
    if helpers is None or not possible or not transfer.account.iban:
        return None
    try:
        code = helpers.make_epc_qr(
            name=transfer.holder[:_NAME_MAX],
            iban=_compact(transfer.account.iban),
            amount=Decimal(transfer.amount).scaleb(-2),
            text=transfer.reference[:_TEXT_MAX],
            bic=_compact(transfer.account.bic) or None,
            encoding="utf-8",
        )
    except ValueError:
        return None
    out = io.BytesIO()
    code.save(
        out, kind="svg", xmldecl=False, svgns=True, omitsize=True, title=label, svgclass="qr",
        lineclass=None, dark="#000", light="#fff",
    )  # fmt: skip
    svg = out.getvalue().decode()
    return Markup(svg.replace("<svg ", '<svg role="img" ', 1))


def _compact(text: str | None) -> str:
    return "".join((text or "").split()).upper()
