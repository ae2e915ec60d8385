"""Lists: envelopes, paging, caps, parameters."""

from __future__ import annotations

from headrace.testkit.conformance.evidence import (
    CLIENTS,
    GUIDE,
    REFERENCE,
    assumed,
    documented,
    observed,
)
from headrace.testkit.conformance.expect import has, same, true
from headrace.testkit.conformance.session import Session

_ENVELOPES = {
    "/invoices": "invoices",
    "/customers": "customers",
    "/payments": "items",
    "/credit_notes": "items",
    "/refunds": "items",
    "/custom_fields": "items",
}
_DOCUMENTS = ("/invoices", "/credit_notes", "/payments", "/refunds")
_ALL_LISTS = tuple(f"GET {path}" for path in _ENVELOPES)


async def _envelope(s: Session, path: str) -> None:
    page = await s.get(f"{path}?offset=0&limit=2")
    has(page, ["offset", "limit", "total", _ENVELOPES[path]], f"the page of {path}")


@observed(CLIENTS, "GET /invoices", "GET /customers", "GET /payments")
async def known_envelopes(s: Session) -> None:
    """Lists are in `invoices` for invoices, `customers` for customers, `items` for payments."""
    for path in ("/invoices", "/customers", "/payments"):
        await _envelope(s, path)


@assumed("GET /credit_notes", "GET /refunds", "GET /custom_fields")
async def the_other_envelopes(s: Session) -> None:
    """Lists of credit notes, refunds and custom fields are in `items`."""
    for path in ("/credit_notes", "/refunds", "/custom_fields"):
        await _envelope(s, path)


@observed(REFERENCE, "GET /credit_notes", "GET /refunds")
async def more_lists(s: Session) -> None:
    """Credit notes and refunds are listed with `offset` and `limit`."""
    for path in ("/credit_notes", "/refunds"):
        await s.get(f"{path}?offset=0&limit=2")


@observed(CLIENTS, "GET /invoices", alone=True)
async def pages_follow_each_other(s: Session) -> None:
    """`offset` and `limit` cut a list into pages without gaps; a full page has `limit` entries."""
    await s.customer("C")
    for name in "IJK":
        await s.invoice(name, "C")
    whole = await s.get("/invoices?offset=0&limit=3")
    parts = [(await s.get(f"/invoices?offset={n}&limit=1"))["invoices"] for n in range(3)]
    same([len(entries) for entries in parts], [1, 1, 1], "the sizes of three pages of one")
    ids = [entry["id"] for entries in parts for entry in entries]
    same(ids, [entry["id"] for entry in whole["invoices"]], "the ids of the pages")


@documented(f"{GUIDE}, List customers and List invoices", "GET /customers", "GET /invoices")
async def pages_have_a_cap(s: Session) -> None:
    """No page has more than 1000 customers or 500 invoices, whatever the request says."""
    for path, cap in (("/customers", 1000), ("/invoices", 500)):
        answer = await s.call("GET", f"{path}?limit=5000")
        if answer.status == 200:
            page = await s.get(f"{path}?limit=5000")
            entries = page[_ENVELOPES[path]]
            true(len(entries) <= cap, f"a page of {path} has {len(entries)} entries")


@assumed(*_ALL_LISTS)
async def a_limit_over_the_cap_is_clamped(s: Session) -> None:
    """The answer shows the limit that was used: 50 by default, at most 1000 or 500."""
    for path in _ENVELOPES:
        page = await s.get(f"{path}?limit=5000")
        same(page["limit"], 1000 if path == "/customers" else 500, f"the limit of {path}")
        same((await s.get(path))["limit"], 50, f"the limit of {path} by default")


@assumed("GET /customers", "GET /payments")
async def wrong_windows_are_refused(s: Session) -> None:
    """A limit below 1, a negative offset, or a value that is not a number is 400."""
    for query in ("limit=0", "limit=-1", "limit=many", "offset=-1", "offset=1.5", "page=0"):
        await s.status(400, "GET", f"/customers?{query}")
        await s.status(400, "GET", f"/payments?{query}")


@observed(REFERENCE, "GET /customers")
async def pages_may_be_numbered(s: Session) -> None:
    """`page` and `limit` are accepted as well."""
    await s.get("/customers?page=1&limit=1")


@observed(CLIENTS, "GET /invoices")
async def unknown_parameters_are_ignored(s: Session) -> None:
    """A parameter that the API does not know, such as `state`, is ignored."""
    await s.get("/invoices?limit=1&state=NONSENSE&dueDateFrom=2016-01-01&anything=1")


@assumed(*(f"GET {path}" for path in (*_DOCUMENTS, "/actions")))
async def documents_of_one_customer(s: Session) -> None:
    """`customerId`, an id or `external:` and the source's, filters documents and actions."""
    owner = await s.customer("C")
    await s.customer("D")
    for name, customer in (("mine", "C"), ("others", "D")):
        await s.invoice(name, customer)
        await s.credit_note(name, customer)
        await s.payment(name, customer)
        await s.refund(name, customer)
    for path in _DOCUMENTS:
        for value in (owner["id"], f"external:{s.name('C')}"):
            page = await s.get(f"{path}?customerId={value}")
            names = [entry["externalId"] for entry in page[_ENVELOPES[path]]]
            same(names, [s.name("mine")], f"{path} of one customer")
    same((await s.get(f"/actions?customerId={owner['id']}"))["items"], [], "its actions")


@assumed("GET /payments")
async def documents_of_nobody(s: Session) -> None:
    """The filter by a customer that does not exist gives an empty page, not an error."""
    same((await s.get(f"/payments?customerId=external:{s.name('x')}"))["items"], [], "the list")


async def _sorted_amounts(s: Session, path: str, order: str) -> list[int]:
    whole = (await s.get(f"{path}?limit=500&{order}"))[_ENVELOPES[path]]
    ours = [one for one in whole if str(one.get("externalId")).startswith(f"{s.prefix}-")]
    return [one.get("amount", one.get("grossAmount")) for one in ours]


@observed(REFERENCE, "GET /refunds", alone=True)
async def refunds_are_sorted(s: Session) -> None:
    """`sortBy` and `sortOrder` sort refunds."""
    await s.customer("C")
    for name, amount in (("A", 200), ("B", 100), ("C", 300)):
        await s.refund(name, "C", amount)
    rising = await _sorted_amounts(s, "/refunds", "sortBy=amount&sortOrder=ASC")
    same(rising, [100, 200, 300], "the amounts")
    falling = await _sorted_amounts(s, "/refunds", "sortBy=amount&sortOrder=DESC")
    same(falling, [300, 200, 100], "the amounts")


@assumed("GET /invoices", "GET /credit_notes", "GET /payments", alone=True)
async def other_documents_are_sorted_too(s: Session) -> None:
    """Other documents are sorted alike; a field that none can be sorted by is 400."""
    await s.customer("C")
    for name, amount in (("A", 200), ("B", 100), ("C", 300)):
        await s.invoice(name, "C", amount)
        await s.credit_note(name, "C", amount)
        await s.payment(name, "C", amount)
    for path, field in (
        ("/invoices", "grossAmount"), ("/credit_notes", "grossAmount"), ("/payments", "amount"),
    ):  # fmt: skip
        rising = await _sorted_amounts(s, path, f"sortBy={field}&sortOrder=ASC")
        same(rising, [100, 200, 300], f"the amounts of {path}")
        await s.status(400, "GET", f"{path}?sortBy=colour")
        await s.status(400, "GET", f"{path}?sortBy={field}&sortOrder=sideways")


@assumed("GET /customers")
async def filters_are_never_ignored_in_silence(s: Session) -> None:
    """The older reference's `filters`, whose form is unknown, is 400: it would list everyone."""
    await s.status(400, "GET", "/customers?filters=name")


@assumed("GET /invoices")
async def parameters_without_effect_are_named(s: Session) -> None:
    """Parameters that had no effect are named in the header `X-Headrace-Ignored`."""
    answer = await s.call("GET", "/invoices?limit=1&state=DUE&dueDateFrom=2020-01-01")
    same(answer.headers.get("x-headrace-ignored"), "state, dueDateFrom", "the header")


@assumed("GET /customers")
async def customers_are_found_by_a_part_of_their_name(s: Session) -> None:
    """`name` lists the customers whose name contains it; a client of the live API relies on it."""
    await s.customer("C", name="Huguenel 100% Motorbikes")
    await s.customer("D", name="Huguenel 1000 Motorbikes")
    for part, names in (("huguenel 100", "DC"), ("100%25", "C"), ("bikes of", "")):
        page = await s.get(f"/customers?name={part.replace(' ', '+')}&limit=500")
        found = [one["externalId"] for one in page["customers"]]
        own = [s.name(name) for name in names]
        same([name for name in found if name in map(s.name, "CD")], own, f"those with {part}")


@assumed("GET /payments")
async def payments_are_found_by_their_date(s: Session) -> None:
    """`dateFrom` and `dateTo` list the payments of these days; a client of the live API relies on
    them."""
    await s.customer("C")
    for name, day in (("P", "2026-01-30"), ("Q", "2026-01-31"), ("R", "2026-02-01")):
        await s.payment(name, "C", validatedAt=day)
    path = f"/payments?customerId=external:{s.name('C')}"
    for query, names in (
        ("dateFrom=2026-01-31", "RQ"),
        ("dateTo=2026-01-31", "QP"),
        ("dateFrom=2026-01-31&dateTo=2026-01-31", "Q"),
        ("dateFrom=2026-02-02", ""),
    ):
        page = await s.get(f"{path}&{query}")
        found = [one["externalId"] for one in page["items"]]
        same(found, [s.name(name) for name in names], f"those of {query}")
    await s.status(400, "GET", f"{path}&dateFrom=yesterday")
