"""A made-up billing database for tests: of any size, by seed, with changes and bad rows."""

from headrace.testkit.billing.changes import Change, changes
from headrace.testkit.billing.flaws import Flaw, bad_rows
from headrace.testkit.billing.generator import TODAY, Counts, generate
from headrace.testkit.billing.portal import PortalPayment, book_portal_payments, portal_payments
from headrace.testkit.billing.project import write_project

__all__ = [
    "TODAY",
    "Change",
    "Counts",
    "Flaw",
    "PortalPayment",
    "bad_rows",
    "book_portal_payments",
    "changes",
    "generate",
    "portal_payments",
    "write_project",
]
