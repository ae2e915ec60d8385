"""Which of several languages the reader of a page gets."""

from __future__ import annotations

import functools

LANGUAGES = ("en", "fr", "de", "es")
"""Of pages for customers. The first is for readers of none of them."""
_TAGS_MAX = 10


def language_of(accept_language: str) -> str:
    """Return the language that a header Accept-Language prefers of those that there are."""
    codes = (tag.partition("-")[0] for tag in language_tags(accept_language))
    return next((code for code in codes if code in LANGUAGES), LANGUAGES[0])


@functools.lru_cache(maxsize=256)
def language_tags(accept_language: str) -> tuple[str, ...]:
    """Return the tags of the header, such as de-CH, the most wanted first."""
    wanted = []
    for place, part in enumerate(accept_language.split(",")[:_TAGS_MAX]):
        name, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), place, _tidy(name)))
        except ValueError:
            continue
    return tuple(name for weight, _, name in sorted(wanted) if weight < 0)


def _tidy(tag: str) -> str:
    language, dash, region = tag.strip().partition("-")
    return f"{language.lower()}{dash}{region}"
