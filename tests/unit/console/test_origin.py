"""Whether a form comes from a page of the same site, whatever a client says of it."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from headrace.pages.origin import is_own_site


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({}, True),
        ({"origin": "null"}, True),
        ({"origin": "http://hub.test:8080"}, True),
        ({"origin": "http://hub.test:8080", "sec-fetch-site": "same-origin"}, True),
        ({"origin": "http://hub.test:8080", "sec-fetch-site": "cross-site"}, False),
        ({"origin": "null", "sec-fetch-site": "none"}, False),
        ({"origin": "http://other.test"}, False),
        ({"origin": "http://[::"}, False),
        ({"origin": "//hub.test:8080]"}, False),
    ],
)
def test_only_forms_of_the_same_site_are_taken(headers: dict[str, str], own: bool) -> None:
    sent = [(b"host", b"hub.test:8080")]
    sent += [(name.encode(), value.encode()) for name, value in headers.items()]
    assert is_own_site(Request({"type": "http", "headers": sent})) is own
