"""The records that a case has created, and the order in which to delete them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

_ORDER = ("/reconcile", "/refunds", "/payments", "/credit_notes", "/invoices", "/customers")
"""Collections in the order of deletion: each record goes before those that it refers to."""
_OWN = (*_ORDER[1:], "/custom_fields")


class Leftovers:
    """Remembers created records, already before the request, in case its answer is lost."""

    def __init__(self) -> None:
        self._made: dict[str, list[str]] = {}

    def before(self, method: str, path: str, body: Any) -> None:
        """Record a request that is about to be sent."""
        if method != "POST" or not isinstance(body, dict):
            return
        external_id = body.get("externalId")
        if not isinstance(external_id, str):
            return
        if path == "/reconcile":
            self._add(path, external_id)
        elif home := _home(path):
            self._add(home, f"external:{quote(external_id, safe='')}")

    def after(self, method: str, path: str, status: int, content: Any) -> None:
        """Record the id from an answer, for records that can't be deleted by an externalId."""
        home = _home(path)
        if method != "POST" or home is None or not 200 <= status < 300:
            return
        if not isinstance(content, dict) or not isinstance(content.get("id"), str):
            return
        # Definitions of two entity types may share an externalId, which then deletes neither.
        if home == "/custom_fields" or content.get("externalId") is None:
            self._add(home, content["id"])

    def requests(self) -> list[tuple[str, str, Any]]:
        """Return method, path and body of the deletions; repeating them is harmless."""
        found: list[tuple[str, str, Any]] = []
        for home in (*_ORDER, "/custom_fields"):
            for name in reversed(self._made.get(home, [])):
                if home == "/reconcile":
                    sides = ("invoices", "payments", "creditNotes", "refunds")
                    empty: dict[str, Any] = {side: [] for side in sides}
                    found.append(("POST", home, {"externalId": name, **empty}))
                else:
                    found.append(("DELETE", f"{home}/{name}", None))
        return found

    def _add(self, home: str, name: str) -> None:
        names = self._made.setdefault(home, [])
        if name not in names:
            names.append(name)


def _home(path: str) -> str | None:
    """Return the collection that a POST adds to; None for records deleted with their customer."""
    if path in _OWN:
        return path
    if path == "/customer/":
        return "/customers"
    return "/invoices" if path.startswith("/customers/") and path.endswith("/invoices") else None
