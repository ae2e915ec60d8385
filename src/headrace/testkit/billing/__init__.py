"""A billing system to test with: of any size, by seed, with a stream of changes and bad rows."""

from headrace.testkit.billing.changes import Change, changes
from headrace.testkit.billing.flaws import Flaw, bad_rows
from headrace.testkit.billing.generator import TODAY, Counts, generate
from headrace.testkit.billing.project import write_project

__all__ = ["TODAY", "Change", "Counts", "Flaw", "bad_rows", "changes", "generate", "write_project"]
