"""What tables, columns and their values are called, from `vocabulary.toml`."""

from __future__ import annotations

import tomllib
from importlib import resources

_TEXT = resources.files("headrace.drafting").joinpath("vocabulary.toml").read_text("utf-8")
_SECTIONS: dict[str, dict[str, list[str]]] = {
    section: {
        name: [" ".join(term.split()) for term in terms.split(",")]
        for name, terms in entries.items()
    }
    for section, entries in tomllib.loads(_TEXT).items()
}

ROLES = _SECTIONS["tables"]
COLUMNS = _SECTIONS["columns"]
ENTITIES = _SECTIONS["entities"]
INSTRUMENTS = _SECTIONS["instruments"]
PARTS = _SECTIONS["other"]["parts"]
NO_DEBT = _SECTIONS["other"]["no_debt"]
PAID = _SECTIONS["other"]["paid"]
