"""Keys, passwords and addresses as they come from an environment or a file.

What surrounds them without being seen is taken off: a line end of `echo` or of Windows, a space, a
byte order mark. What can't be right is refused by the name of its setting, never by its content.
"""

from __future__ import annotations

import re

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
    """The text without what can't be seen around it. ConfigurationError for what is in it, or when
    nothing is left; `where` begins the sentence."""
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
    """ConfigurationError for what no key of an API can be; it could not travel in a header."""
    if not _KEY.fullmatch(text):
        raise ConfigurationError(
            f"{where} has a character that no key has, such as a space or a quotation mark of a "
            "word processor: copy it again."
        )


def check_target(url: str, where: str) -> None:
    """ConfigurationError for an API's address with a user or password in it."""
    if "@" in url.partition("://")[2].partition("?")[0]:
        raise ConfigurationError(
            f"{where} must not hold a user or password: the API's keys stand in target.key and "
            "target.secret."
        )


def check_database_url(url: str, where: str) -> None:
    """ConfigurationError for an address of a database whose password is not percent-encoded: it
    would be taken for a host or a port, and shown as such in messages."""
    rest = url.partition("://")[2]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    behind = rest[len(authority) :]
    user, at, host = authority.rpartition("@")
    odd = bool(at) and ("@" in user or bool(_HEX.search(user)) or bool(re.search(r"[\[\]]", user)))
    # What stands before the host has ended the address too early.
    if odd or ("@" in behind and not _is_query(behind, host)) or not _PORTS.fullmatch(host):
        raise ConfigurationError(
            f"{where}: the password in it must be percent-encoded: %2F for /, %40 for @, %3F for "
            "?, %23 for #, %3A for :, %5B for [, %5D for ] and %25 for %."
        )


def _is_query(behind: str, host: str) -> bool:
    """Whether a later @ stands in a parameter, such as ?user=a@b."""
    path, _, query = behind.partition("?")
    return "@" not in path and "=" in query.partition("@")[0] and bool(_PORTS.fullmatch(host))
