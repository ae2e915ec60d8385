"""Control of a hub in a test: faults, time, reset, seeds, collected payments, snapshots."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from msgspec import Struct

from headrace.control.client import ControlClient, path_of
from headrace.model.errors import Refused
from headrace.server.observing.request_log import LogRecord

TEST_ORGANISATION = "test"
Seed = str | dict[str, Any] | Sequence[dict[str, Any]] | None
"""The field `seed` of a new sandbox: a profile's name, a profile with its size, or API calls."""


class FaultScript:
    """A script of faults armed at a hub; disarmed at the end of a `with` block."""

    def __init__(self, client: ControlClient, report: dict[str, Any]) -> None:
        self.id: str = report["id"]
        self._client = client

    @property
    def headers(self) -> dict[str, str]:
        """Headers by which a request is hit by a script with `bound="header"`."""
        return {"X-Headrace-Faults": self.id}

    def report(self) -> dict[str, Any]:
        """Return which faults fired, as `GET /_hub/faults/{id}` answers."""
        report: dict[str, Any] = self._client.call("GET", path_of("faults", self.id))
        return report

    @property
    def done(self) -> bool:
        """Whether every fault with a limited number of times has fired."""
        return bool(self.report()["done"])

    def remove(self) -> dict[str, Any]:
        """Disarm the script; returns the last report."""
        report: dict[str, Any] = self._client.call("DELETE", path_of("faults", self.id))
        return report

    def __enter__(self) -> FaultScript:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class SandboxOptions(Struct, frozen=True, kw_only=True):
    """How a sandbox is made."""

    name: str | None = None
    """Made up by default."""
    seed: Seed = None
    """A profile (`agency`, `wholesaler`, `saas`), or a list of API calls; None for no data."""
    entities: int | None = None
    """About how many a profile makes up."""
    number: int | None = None
    """The same number makes up the same data."""
    expires_in: str | int | None = "1d"
    """When the hub deletes it, should the test not come to its end."""
    limits: str | int | None = None
    """`upflow`, `off`, or a number of requests a minute; None for those of the hub."""
    clock: str | None = None
    """The moment at which its time stands still."""
    currency: str = "EUR"
    time_zone: str = "UTC"

    def draft(self) -> dict[str, Any]:
        """Return the body of `POST /_hub/sandboxes`."""
        seed = self.seed
        if isinstance(seed, str):
            sized = {"profile": seed, "entities": self.entities, "number": self.number}
            seed = {field: value for field, value in sized.items() if value is not None}
        named = {} if self.name is None else {"name": self.name}
        return {
            **named,
            "seed": seed,
            "expiresIn": self.expires_in,
            "limits": self.limits,
            "clock": self.clock,
            "currency": self.currency,
            "timeZone": self.time_zone,
        }


class TestClock:
    """The test clock of an organisation."""

    __test__ = False

    def __init__(self, client: ControlClient, organisation: str) -> None:
        self._client = client
        self._path = path_of("organisations", organisation, "clock")

    def now(self) -> str:
        """The time as the API writes it."""
        return str(self._client.call("GET", self._path)["now"])

    def freeze(self, at: str | None = None) -> str:
        """Stop the clock at an ISO 8601 time, or now; returns the time."""
        body = {"at": at} if at is not None else {}
        return str(self._client.call("POST", f"{self._path}/freeze", body)["now"])

    def advance(self, by: str) -> str:
        """Advance the clock by an interval such as 12h or 45d; returns the time."""
        return str(self._client.call("POST", f"{self._path}/advance", {"by": by})["now"])

    def reset(self) -> None:
        """Return to real time."""
        self._client.call("DELETE", self._path)


class Controlled:
    """A hub that the test controls through its control plane."""

    @property
    def control(self) -> ControlClient:
        """Raw client of the control plane."""
        raise NotImplementedError

    @property
    def organisation(self) -> str:
        """The organisation that is meant unless another one is named."""
        return TEST_ORGANISATION

    def faults(
        self,
        *faults: dict[str, Any],
        bound: Literal["organisation", "header"] = "organisation",
        organisation: str | None = None,
        seed: int = 0,
    ) -> FaultScript:
        """Arm a script of faults, which docs/hub-control.md describes.

        Example: `{"kind": "status", "status": 503, "on": "POST /invoices", "times": 2}`. The script
        hits the organisation's requests, or with `bound="header"` those with the script's
        `headers`, so that tests on one hub do not affect each other.
        """
        script: dict[str, Any] = {"faults": faults, "seed": seed}
        if bound == "organisation":
            script["organisation"] = organisation or self.organisation
        return FaultScript(self.control, self.control.call("POST", "/faults", script))

    def reset(self, organisation: str | None = None) -> None:
        """Remove all data of an organisation, its faults and its stopped time; its keys stay."""
        self.control.call(
            "POST", path_of("organisations", organisation or self.organisation, "reset")
        )

    def seed(self, text: str | bytes, organisation: str | None = None) -> dict[str, Any]:
        """Run a file of API calls; returns what was created, and the ids that its lines named."""
        raw = text.encode() if isinstance(text, str) else text
        path = path_of("organisations", organisation or self.organisation, "seed")
        answer: dict[str, Any] = self.control.call("POST", path, raw)
        return answer

    def collect(
        self,
        customer: str,
        amount: int,
        *,
        settles: Mapping[str, int] = {},
        organisation: str | None = None,
        currency: str = "EUR",
        **fields: str | None,
    ) -> dict[str, Any]:
        """Pay as a customer does in the portal; returns the payment as the API answers it.

        `customer` and the invoices in `settles` (invoice to amount) are external ids; amounts are
        in the lowest division. `fields` may be `validatedAt`, `instrument` and `refNumber`.
        """
        links = [
            {"amountLinked": part, "invoice": {"externalId": invoice}}
            for invoice, part in settles.items()
        ]
        body = {
            "customer": {"externalId": customer},
            "amount": amount,
            "currency": currency,
            "linkedInvoices": links,
            **fields,
        }
        path = path_of("organisations", organisation or self.organisation, "collected")
        payment: dict[str, Any] = self.control.call("POST", path, body)
        return payment

    def fail(
        self, payment: str, *, organisation: str | None = None, **fields: str
    ) -> dict[str, Any]:
        """Refund a payment, by the API's id, like a direct debit that fails; returns the refund.

        `fields` may be `validatedAt`.
        """
        path = path_of(
            "organisations", organisation or self.organisation, "collected", payment, "failed"
        )
        refund: dict[str, Any] = self.control.call("POST", path, fields)
        return refund

    def snapshot(self, name: str | None = None) -> str:
        """Copy the whole hub; returns the snapshot's name."""
        body = {"name": name} if name is not None else {}
        return str(self.control.call("POST", "/snapshots", body)["name"])

    def restore(self, name: str) -> None:
        """Restore the whole hub from a snapshot."""
        self.control.call("POST", path_of("snapshots", name, "restore"))

    @property
    def clock(self) -> TestClock:
        """Test clock of the organisation."""
        return self.clock_of(self.organisation)

    def clock_of(self, organisation: str) -> TestClock:
        """Return the test clock of another organisation."""
        return TestClock(self.control, organisation)

    @contextlib.contextmanager
    def sandbox(self, **options: Any) -> Iterator[Sandbox]:
        """Make an organisation with a key pair for the length of the block.

        `options` are the fields of `SandboxOptions`. Raises Refused that names a wrong field.
        """
        made = self.control.call("POST", "/sandboxes", SandboxOptions(**options).draft())
        sandbox = Sandbox(self.control, made, self._log_reader())
        try:
            yield sandbox
        finally:
            sandbox.delete()

    def _log_reader(self) -> Callable[[], Sequence[LogRecord]] | None:
        return None


class Sandbox(Controlled):
    """An organisation with a key pair and its own data, clock, limits and faults.

    Sandboxes of one hub do not see each other. `Controlled` has what a test may do to it; snapshots
    are of the whole hub.
    """

    def __init__(
        self,
        client: ControlClient,
        made: dict[str, Any],
        log: Callable[[], Sequence[LogRecord]] | None = None,
    ) -> None:
        """`made` is the answer of `POST /_hub/sandboxes`; `log` returns the hub's request log."""
        self._client = client
        self._log = log
        self.name: str = made["name"]
        self.url: str = made["url"]
        """The API's base."""
        self.key: str = made["key"]
        self.secret: str = made["secret"]
        self.expires_at: str | None = made["expiresAt"]
        self.counts: dict[str, int] = made["counts"]
        """How many customers, invoices, … its seed has made."""
        self.named: dict[str, str] = made["named"]
        """Ids of what lines of its seed gave a name to."""

    @property
    def control(self) -> ControlClient:
        """Raw client of the control plane."""
        return self._client

    @property
    def organisation(self) -> str:
        """The name of its organisation."""
        return self.name

    @property
    def headers(self) -> dict[str, str]:
        """The key pair as request headers."""
        return {"X-Api-Key": self.key, "X-Api-Secret": self.secret}

    def requests(self) -> list[LogRecord]:
        """Return the request log of this sandbox so far, in the order of the answers.

        Raises RuntimeError for a hub that runs as a process: read its --request-log.
        """
        if self._log is None:
            raise RuntimeError("this hub is another process: its request log is a file")
        return [record for record in self._log() if record.organisation == self.name]

    def delete(self) -> None:
        """Delete it with all its data, before the end of the block; it may be gone already."""
        try:
            self._client.call("DELETE", path_of("sandboxes", self.name))
        except Refused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
