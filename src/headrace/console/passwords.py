"""Passwords, as argon2id hashes."""

from __future__ import annotations

from headrace.model.errors import ConfigurationError

try:
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    # What OWASP asks for at least: a sign-in shall not cost a small hub 64 MB and half a second.
    _HASHER: PasswordHasher | None = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
except ImportError:
    _HASHER = None

PASSWORD_MIN = 12
"""Characters of a password."""
PASSWORD_MAX = 1_000
_MISSING = "The console needs argon2: pip install 'headrace[console]'."
_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXRoaW5nc2FsdHk$0T2jJ5cQ0Y1nq3Hhq8i2d1c8f4o3yPmw0mJ5bJv0v3k"
)
"""What the password of nobody is checked against, so that it takes as long as any other."""


def check_installed() -> None:
    """Raise ConfigurationError without the extra that hashes passwords."""
    if _HASHER is None:
        raise ConfigurationError(_MISSING)


def hash_password(password: str) -> str:
    """Return the hash of a new password; takes some 50 ms on purpose. Raises ConfigurationError
    for a short one."""
    check_installed()
    assert _HASHER is not None
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise ConfigurationError(f"A password has at least {PASSWORD_MIN} characters.")
    return _HASHER.hash(password)


def is_password(password: str, known: str | None) -> bool:
    """Whether the password has this hash. Without one it is not, and takes as long to find out."""
    assert _HASHER is not None
    try:
        right = _HASHER.verify(known or _NOBODY, password[:PASSWORD_MAX])
    except (VerificationError, InvalidHashError):
        return False
    return right and known is not None
