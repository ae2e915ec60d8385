"""Every error headrace raises on purpose, sorted by what the reader should do next.

    HeadraceError
    ├── ConfigurationError       mend headrace.toml, a flag or an environment variable
    ├── SourceError              the billing system could not be read: mend access, run again
    ├── ModelError               mend a SQL model in the project's models/ folder
    ├── UnsafePlan               look at the plan, then repeat with --force
    │   ├── StalePlan            make the plan anew: what it was made of has moved on
    │   └── AnotherTarget        give the other API a journal of its own, or repair this one
    ├── Busy                     another command holds the organisation: wait for it
    ├── DamagedJournal           put the journal's backup in its place, or `headrace adopt`
    ├── Defect                   report it, with the traceback that the log file has
    ├── ApiError                 what the receivables API answered
    │   ├── Unreachable          nothing was lost: run again when the API is back
    │   ├── Unauthorised         mend the key pair
    │   ├── NotTheApi            mend the address, or the proxy on the way
    │   └── Refused              mend the record; a 4xx is never retried
    └── RequestError             what the hub answers to a request it will not carry out
        ├── BadRequest 400
        ├── InvalidKey 401
        ├── Forbidden 403
        ├── NotFound 404
        ├── MethodNotAllowed 405
        ├── TooLarge 413
        ├── UnsupportedMediaType 415
        ├── TooManyRequests 429
        └── ServiceUnavailable 503

A message says what happened and what to do about it, in one sentence where one is enough.
"""

from __future__ import annotations


class HeadraceError(Exception):
    """Base of all errors that are told to a person without a traceback."""


class ConfigurationError(HeadraceError):
    """The project file, a flag or an environment variable can't be used as it is."""


class SourceError(HeadraceError):
    """The billing system can't be read."""


class ModelError(HeadraceError):
    """A SQL model fails or lacks a column that the book needs."""


class UnsafePlan(HeadraceError):
    """A plan changes more than a careful person would let pass unseen."""


class StalePlan(UnsafePlan):
    """A saved plan that is not what a plan would be now."""


class AnotherTarget(UnsafePlan):
    """The API does not hold what the journal says that it was told."""


class Busy(HeadraceError):
    """Another process works on the same organisation."""


class DamagedJournal(HeadraceError):
    """The journal is there and can't be read; it is never made anew, for it is the truth."""


class Defect(HeadraceError):
    """Something that can't be, told in one line; its traceback is elsewhere."""


class ApiError(HeadraceError):
    """The receivables API did not do what it was asked."""


class Unreachable(ApiError):
    """No usable answer: connection refused, timeout, 5xx after all retries, or not JSON.

    `left` says whether a request may have reached the API all the same.
    """

    def __init__(self, message: str, left: bool = True) -> None:
        super().__init__(message)
        self.left = left


class Unauthorised(ApiError):
    """The API answered 401 or 403: the key pair is wrong or revoked."""


class NotTheApi(ApiError):
    """Something answers at the address, not as the API does; the message says what came."""


class Refused(ApiError):
    """The API answered 4xx to one record; `status` is the code, the message the API's own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class RequestError(HeadraceError):
    """A request that the hub refuses; `status` and `reason` become the HTTP answer.

    `details` is a sequence of (field, message): the place in the body and what to change there.
    """

    status = 400
    reason = "Bad Request"

    def __init__(self, message: str, details: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.details = details


class BadRequest(RequestError):
    """The body, a parameter or a reference can't be used; the message says what to change."""


class InvalidKey(RequestError):
    """The key pair is missing, unknown or revoked."""

    status = 401
    reason = "Unauthorized"


class Forbidden(RequestError):
    """A link without a key that the hub did not give out, or that has expired."""

    status = 403
    reason = "Forbidden"


class NotFound(RequestError):
    """No such path, or no such entity in this organisation."""

    status = 404
    reason = "Not Found"


class MethodNotAllowed(RequestError):
    """The path exists, not with this method; `allowed` are those it takes."""

    status = 405
    reason = "Method Not Allowed"

    def __init__(self, message: str, allowed: str) -> None:
        super().__init__(message)
        self.allowed = allowed


class TooLarge(RequestError):
    """The body is larger than the hub takes."""

    status = 413
    reason = "Payload Too Large"


class UnsupportedMediaType(RequestError):
    """The body's content type is not one the endpoint reads."""

    status = 415
    reason = "Unsupported Media Type"


class TooManyRequests(RequestError):
    """Over the rate or the concurrency limit of the organisation."""

    status = 429
    reason = "Too Many Requests"


class ServiceUnavailable(RequestError):
    """The hub can't store anything at the moment; the same request may succeed later."""

    status = 503
    reason = "Service Unavailable"
