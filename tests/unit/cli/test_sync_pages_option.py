"""`--sync-pages` of `headrace serve`."""

from __future__ import annotations

import pytest

from headrace.cli.options.sync_pages import SyncPagesOption
from headrace.model.errors import ConfigurationError


def test_the_address_has_no_slash_at_its_end() -> None:
    assert SyncPagesOption().sync_address() == ""
    option = SyncPagesOption(sync_pages="https://sync.example.com/")
    assert option.sync_address() == "https://sync.example.com"


@pytest.mark.parametrize("text", ["sync.example.com", "javascript:alert(1)", "//sync.example.com"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="must start with https:// or http://"):
        SyncPagesOption(sync_pages=text).sync_address()
