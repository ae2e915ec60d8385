"""Hashes of passwords that are checked at once; those that the hub makes take 30 ms on purpose."""

from functools import cache

from argon2 import PasswordHasher

_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@cache
def quick_hash(password: str) -> str:
    """Return a hash of the kind that the hub makes, which costs as little as can be."""
    return _QUICK.hash(password)
