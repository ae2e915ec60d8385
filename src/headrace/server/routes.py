"""The API's route table, and the search for the row of a path.

Paths are split before they are percent-decoded, so an encoded slash stays inside its id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from difflib import SequenceMatcher
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from headrace.model.entity import CREDIT_NOTE, CUSTOMER, INVOICE, PAYMENT, REFUND, Entity
from headrace.model.errors import MethodNotAllowed, NotFound
from headrace.model.resource import (
    ACCOUNT_MANAGER,
    ACTION,
    BANK_ACCOUNT,
    CONTACT,
    CUSTOM_FIELD,
    DUNNING_PLAN,
    NOTE,
    PORTAL_LINK,
    RECONCILIATION,
    STATEMENT,
    USER,
)
from headrace.server.call import Answer, Call
from headrace.server.handlers import (
    account_managers,
    actions,
    catalogue,
    contacts,
    custom_fields,
    customers,
    documents,
    notes,
    pdfs,
    portal_links,
    reconciliations,
    statements,
)
from headrace.store.records.references import Address, parse_address

_LIKE = 0.7
"""Similarity, from 0 to 1, above which a word counts as a misspelling."""
_PATH_MAX = 200
ROUTE = "headrace.route"
"""Key of the matched `Route` in a request's scope."""

Handler: TypeAlias = Callable[[Call], Awaitable[Answer]]


class Route(Struct, frozen=True):
    """A row: what a method on a path does, and to which kind of entity."""

    method: str
    path: str
    """Below /v1; `{}` stands for an id."""
    handler: Handler
    entity: Entity
    """The entity it is about; determines the records and the envelope of bodies and answers."""
    streams: bool = False
    """Whether the handler reads the body in chunks."""


def _rows_of(entity: Entity) -> tuple[Route, ...]:
    return (
        Route("POST", entity.path, documents.post, entity),
        Route("GET", entity.path, documents.list_, entity),
        Route("GET", f"{entity.path}/{{}}", documents.get, entity),
        Route("PUT", f"{entity.path}/{{}}", documents.put, entity),
        Route("DELETE", f"{entity.path}/{{}}", documents.delete, entity),
    )


_CONTACTS = CONTACT.path

ROUTES = (
    Route("POST", "/customers", customers.post, CUSTOMER),
    Route("GET", "/customers", customers.list_, CUSTOMER),
    Route("GET", "/customers/{}", customers.get, CUSTOMER),
    Route("PUT", "/customers/{}", customers.put, CUSTOMER),
    Route("DELETE", "/customers/{}", customers.delete, CUSTOMER),
    Route("POST", _CONTACTS, contacts.post, CONTACT),
    Route("GET", _CONTACTS, contacts.list_, CONTACT),
    Route("GET", f"{_CONTACTS}/{{}}", contacts.get, CONTACT),
    Route("PUT", f"{_CONTACTS}/{{}}", contacts.put, CONTACT),
    Route("DELETE", f"{_CONTACTS}/{{}}", contacts.delete, CONTACT),
    *_rows_of(INVOICE),
    *_rows_of(CREDIT_NOTE),
    *_rows_of(PAYMENT),
    *_rows_of(REFUND),
    Route("POST", "/invoices/{}/pdf", pdfs.post, INVOICE, streams=True),
    Route("POST", "/credit_notes/{}/pdf", pdfs.post, CREDIT_NOTE, streams=True),
    Route("POST", "/custom_fields", custom_fields.post, CUSTOM_FIELD),
    Route("GET", "/custom_fields", custom_fields.list_, CUSTOM_FIELD),
    Route("DELETE", "/custom_fields/{}", custom_fields.delete, CUSTOM_FIELD),
    Route("GET", "/users", catalogue.list_, USER),
    Route("GET", "/bank_accounts", catalogue.list_, BANK_ACCOUNT),
    Route("GET", "/dunning_plans", catalogue.list_, DUNNING_PLAN),
    Route("POST", ACCOUNT_MANAGER.path, account_managers.post, ACCOUNT_MANAGER),
    Route("GET", ACCOUNT_MANAGER.path, account_managers.list_, ACCOUNT_MANAGER),
    Route("DELETE", f"{ACCOUNT_MANAGER.path}/{{}}", account_managers.delete, ACCOUNT_MANAGER),
    Route("GET", "/actions", actions.list_, ACTION),
    Route("GET", "/actions/{}", actions.get, ACTION),
    Route("POST", NOTE.path, notes.post, NOTE),
    Route("GET", NOTE.path, notes.list_, NOTE),
    Route("DELETE", f"{NOTE.path}/{{}}", notes.delete, NOTE),
    Route("POST", "/reconcile", reconciliations.post, RECONCILIATION),
    Route("POST", PORTAL_LINK.path, portal_links.post, PORTAL_LINK),
    Route("POST", STATEMENT.path, statements.post, STATEMENT),
    Route("POST", "/customers/{}/invoices", documents.post_of_customer, INVOICE),
    Route("GET", "/customers/{}/invoices", documents.list_of_customer_path, INVOICE),
)

_SINGULAR = (
    ("POST", "/customer", "/customers"),
    ("GET", "/customer/{}", "/customers/{}"),
    ("PUT", "/customer/{}", "/customers/{}"),
    ("POST", "/custom_field", "/custom_fields"),
    ("GET", "/custom_field", "/custom_fields"),
)
"""Spellings in the guide's text (docs/api-evidence.md, Endpoints), and what they mean."""


class _Node:
    __slots__ = ("any", "methods", "named")

    def __init__(self) -> None:
        self.named: dict[bytes, _Node] = {}
        self.any: _Node | None = None
        self.methods: dict[str, Route] = {}


def _grow(root: _Node, path: str) -> _Node:
    node = root
    for segment in path.strip("/").split("/"):
        if segment == "{}":
            node.any = node.any or _Node()
            node = node.any
        else:
            node = node.named.setdefault(segment.encode(), _Node())
    return node


def _tree() -> _Node:
    root = _Node()
    for route in ROUTES:
        _grow(root, route.path).methods[route.method] = route
    rows = {(route.method, route.path): route for route in ROUTES}
    for method, singular, path in _SINGULAR:
        _grow(root, singular).methods[method] = rows[method, path]
    return root


_TREE = _tree()


def match(method: str, raw_path: bytes) -> tuple[Route, tuple[Address, ...]]:
    """Return the route of a still percent-encoded path below /v1, and the ids in it.

    Raises NotFound, or MethodNotAllowed when the path exists with other methods.
    """
    node = _TREE
    ids: list[bytes] = []
    for segment in raw_path.strip(b"/").split(b"/"):
        found = node.named.get(segment)
        if found is None:
            found = node.any
            ids.append(segment)
        if found is None or not segment:
            raise _no_path(method, raw_path)
        node = found
    route = node.methods.get("GET" if method == "HEAD" else method)
    if route is None:
        if node.methods:
            allowed = ", ".join(sorted(node.methods))
            raise MethodNotAllowed(
                f"{method} is not served here: this path takes {allowed}.", allowed
            )
        raise _no_path(method, raw_path)
    return route, tuple(map(_address, ids))


def _address(segment: bytes) -> Address:
    if b"%" in segment:
        segment = unquote_to_bytes(segment)
    try:
        text = segment.decode("utf-8")
    except UnicodeDecodeError:
        raise NotFound("The id in the path is not valid UTF-8, so nothing has it.") from None
    if "\0" in text:
        raise NotFound("The id in the path contains a NUL character, so nothing has it.")
    return parse_address(text)


def _no_path(method: str, raw_path: bytes) -> NotFound:
    meant = _meant(raw_path)
    hint = f" The closest path is /v1{meant}." if meant else ""
    return NotFound(f"There is no {method} /v1{_shown(raw_path)} in this API.{hint}")


def _meant(raw_path: bytes) -> str:
    """Return the path whose words are closest to those of a misspelt one; empty if none is."""
    segments = raw_path.decode("latin-1")[:_PATH_MAX].strip("/").split("/")
    if not all(segments):
        return ""
    best, meant = _LIKE, ""
    for path in {route.path for route in ROUTES}:
        words = path.strip("/").split("/")
        if len(words) != len(segments):
            continue
        score = min(
            1.0 if word == "{}" else SequenceMatcher(None, word, segment.lower()).ratio()
            for word, segment in zip(words, segments, strict=True)
        )
        if (score, path) > (best, meant):
            best, meant = score, path
    return _filled(meant, segments) if meant else ""


def _filled(path: str, segments: list[str]) -> str:
    words = zip(path.strip("/").split("/"), segments, strict=True)
    return "".join(f"/{segment[:60] if word == '{}' else word}" for word, segment in words)


def _shown(raw_path: bytes) -> str:
    return raw_path.decode("latin-1")[:200]
