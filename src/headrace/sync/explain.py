"""Explains an error of the API to the user of a command."""

from __future__ import annotations

from headrace.model.errors import ApiError, NotTheApi, Refused, Unauthorised, Unreachable


def explain(error: ApiError, url: str, safe: str) -> ApiError:
    """Return an error whose message says what happened, what is safe and what to do next.

    `safe` is a clause, such as "nothing was sent". A refusal becomes Unreachable: a request that is
    explained here is valid, so whatever refused it is not Upflow's API.
    """
    said = str(error).rstrip(".")
    if isinstance(error, Unauthorised):
        return Unauthorised(
            f"{url} does not accept the key pair ({said}): {safe}; check `key` and `secret` of "
            "the organisation, then run the same command again."
        )
    if isinstance(error, NotTheApi):
        return Unreachable(
            f"{url} does not answer as Upflow's API does ({said}): {safe}; check `url` of the "
            "organisation and any proxy or sign-in page on the way, then run the same command "
            "again."
        )
    if isinstance(error, Refused):
        return Unreachable(
            f"{url} answered {error.status} ({said}), not as Upflow's API does: {safe}; check "
            "`url` of the organisation and any proxy on the way, then run the same command again."
        )
    return Unreachable(
        f"{url} is not usable ({said}): {safe}; run the same command again when it is back."
    )
