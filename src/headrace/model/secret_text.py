"""Cleans and validates keys, passwords and addresses from an environment or a file.

Invisible characters around them are removed: a line end from `echo` or from Windows, a space, a
byte order mark. Invalid values are reported by the name of their setting, never by their content.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from headrace.model.errors import ConfigurationError

_UNSEEN = (
    r"\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ud800-\udfff"
)
_AROUND = re.compile(rf"^[\s{_UNSEEN}]+|[\s{_UNSEEN}]+$")
_WITHIN = re.compile(f"[{_UNSEEN}]")
_KEY = re.compile(r"[!-~]+")
_HEX = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PORTS = re.compile(r"[^:\[\]]*(:[0-9]*)?(,[^:\[\]]*(:[0-9]*)?)*|\[[0-9A-Fa-f:.%]*\](:[0-9]*)?")


def trimmed(text: str, where: str) -> str:
    """Strip invisible characters from both ends. Raises ConfigurationError for those inside, or
    when nothing is left; `where` begins the message."""
    text = _AROUND.sub("", text)
    if not text:
        raise ConfigurationError(f"{where} is empty.")
    if _WITHIN.search(text):
        raise ConfigurationError(
            f"{where} has a line break or an invisible character in it: write it again, in one "
            "line."
        )
    return text


def check_key(text: str, where: str) -> None:
    """Raise ConfigurationError for a text that can't be a key, because it can't be sent in a
    header."""
    if not _KEY.fullmatch(text):
        raise ConfigurationError(
            f"{where} has a character that no key has, such as a space or a quotation mark of a "
            "word processor: copy it again."
        )


def check_target(url: str, where: str) -> None:
    """Raise ConfigurationError for an API address that is none, or has a user or password in it."""
    if "@" in url.partition("://")[2].partition("?")[0]:
        raise ConfigurationError(
            f"{where} must not hold a user or password: the API's keys stand in target.key and "
            "target.secret."
        )
    if not is_address(url):
        raise ConfigurationError(f"{where} is no address such as https://api.upflow.io/v1.")


def is_address(url: str) -> bool:
    """Whether a URL has a host, and no port that there can't be."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def check_database_url(url: str, where: str) -> None:
    """Raise ConfigurationError for a database address whose password is not percent-encoded.

    Part of such a password would be parsed as a host or port, and appear in messages.
    """
    rest = url.partition("://")[2]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    behind = rest[len(authority) :]
    user, at, host = authority.rpartition("@")
    odd = bool(at) and ("@" in user or bool(_HEX.search(user)) or bool(re.search(r"[\[\]]", user)))
    # The part before the host has ended the address too early.
    if odd or ("@" in behind and not _is_query(behind, host)) or not _PORTS.fullmatch(host):
        raise ConfigurationError(
            f"{where}: the password in it must be percent-encoded: %2F for /, %40 for @, %3F for "
            "?, %23 for #, %3A for :, %5B for [, %5D for ] and %25 for %."
        )


def _is_query(behind: str, host: str) -> bool:
    """Whether a later @ is in a parameter, such as ?user=a@b."""
    path, _, query = behind.partition("?")
    return "@" not in path and "=" in query.partition("@")[0] and bool(_PORTS.fullmatch(host))
