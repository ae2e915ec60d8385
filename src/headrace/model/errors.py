"""Every error headrace raises on purpose, sorted by what the user should do next.

    HeadraceError
    ├── ConfigurationError       fix headrace.toml, a flag or an environment variable
    ├── SourceError              the billing system could not be read: fix the access, run again
    ├── ModelError               fix a SQL model in the project's models/ folder
    ├── UnsafePlan               review the plan, then repeat with --force
    │   ├── StalePlan            plan again: the data has changed since
    │   └── AnotherTarget        use another journal for the other API, or repair this one
    ├── ApprovalNeeded           let another person approve the plan, or wait for it
    ├── Busy                     another command uses the organisation: wait for it
    │   └── BusyCache            only its cache is in use, on this machine
    ├── DamagedJournal           restore the journal from a backup, or `headrace adopt`
    ├── Defect                   report it, with the traceback in the log file
    ├── ApiError                 a failure at the receivables API
    │   ├── Unreachable          nothing was lost: run again when the API is back
    │   ├── Unauthorised         fix the key pair
    │   ├── NotTheApi            fix the address, or a proxy in between
    │   └── Refused              fix the record; a 4xx is never retried
    └── RequestError             how the hub answers a request that it refuses
        ├── BadRequest 400
        ├── InvalidKey 401
        ├── Forbidden 403
        ├── NotFound 404
        ├── MethodNotAllowed 405
        ├── Conflict 409
        ├── TooLarge 413
        ├── UnsupportedMediaType 415
        ├── TooManyRequests 429
        └── ServiceUnavailable 503

A message says what happened and what to do about it, in one sentence where one is enough.
"""

from __future__ import annotations


class HeadraceError(Exception):
    """Base of all errors that are shown without a traceback."""


class ConfigurationError(HeadraceError):
    """The project file, a flag or an environment variable is invalid."""


class SourceError(HeadraceError):
    """The billing system can't be read."""


class ModelError(HeadraceError):
    """A SQL model fails, or lacks a column that the book requires."""


class UnsafePlan(HeadraceError):
    """A plan changes more than the guards allow without confirmation."""


class StalePlan(UnsafePlan):
    """A saved plan differs from what would be planned now."""


class AnotherTarget(UnsafePlan):
    """The API does not contain what the journal says it acknowledged."""


class ApprovalNeeded(HeadraceError):
    """A plan waits for a person's approval; `id` is the plan's, or empty if none waits.

    `clauses` are its figures, without data of records.
    """

    def __init__(self, message: str, id: str, clauses: list[str]) -> None:
        super().__init__(message)
        self.id = id
        self.clauses = clauses


class Busy(HeadraceError):
    """Another process is working on the same organisation."""


class BusyCache(Busy):
    """Another process of this machine has the organisation's cache open."""


class DamagedJournal(HeadraceError):
    """The journal exists but can't be read. It is never recreated, because it is the only record
    of what was sent."""


class Defect(HeadraceError):
    """A bug in headrace, reported in one line; the log file has its traceback."""


class ApiError(HeadraceError):
    """The receivables API did not carry out a request."""


class Unreachable(ApiError):
    """No usable answer: connection refused, timeout, 5xx after all retries, or not JSON.

    `left` says whether a request may have reached the API nevertheless.
    """

    def __init__(self, message: str, left: bool = True) -> None:
        super().__init__(message)
        self.left = left


class Unauthorised(ApiError):
    """The API answered 401 or 403: the key pair is wrong or revoked."""


class NotTheApi(ApiError):
    """The server at the address does not behave like the API; the message says what it answered."""


class Refused(ApiError):
    """The API answered 4xx to one record; `status` is the code, the message is the API's own."""

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
    """The body, a parameter or a reference is invalid; the message says what to change."""


class InvalidKey(RequestError):
    """The key pair is missing, unknown or revoked."""

    status = 401
    reason = "Unauthorized"


class Forbidden(RequestError):
    """A request that is not allowed: a link that is invalid or has expired, or an access from a
    place that is not permitted."""

    status = 403
    reason = "Forbidden"


class NotFound(RequestError):
    """No such path, or no such entity in this organisation."""

    status = 404
    reason = "Not Found"


class MethodNotAllowed(RequestError):
    """The path exists, but not with this method; `allowed` lists the methods it supports."""

    status = 405
    reason = "Method Not Allowed"

    def __init__(self, message: str, allowed: str) -> None:
        super().__init__(message)
        self.allowed = allowed


class Conflict(RequestError):
    """What the request makes exists already."""

    status = 409
    reason = "Conflict"


class TooLarge(RequestError):
    """The body is larger than the hub accepts."""

    status = 413
    reason = "Payload Too Large"


class UnsupportedMediaType(RequestError):
    """The endpoint does not read this content type."""

    status = 415
    reason = "Unsupported Media Type"


class TooManyRequests(RequestError):
    """The organisation's rate or concurrency limit is exceeded."""

    status = 429
    reason = "Too Many Requests"


class ServiceUnavailable(RequestError):
    """The hub can't read or write its data at the moment; the same request may succeed later."""

    status = 503
    reason = "Service Unavailable"
