"""Control of a hub in a test: faults, time, reset, seeds, collected payments, snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from headrace.control.client import ControlClient, path_of

TEST_ORGANISATION = "test"


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

    def faults(
        self,
        *faults: dict[str, Any],
        bound: Literal["organisation", "header"] = "organisation",
        organisation: str = TEST_ORGANISATION,
        seed: int = 0,
    ) -> FaultScript:
        """Arm a script of faults, which docs/hub-control.md describes.

        Example: `{"kind": "status", "status": 503, "on": "POST /invoices", "times": 2}`. The script
        hits the organisation's requests, or with `bound="header"` those with the script's
        `headers`, so that tests on one hub do not affect each other.
        """
        script: dict[str, Any] = {"faults": faults, "seed": seed}
        if bound == "organisation":
            script["organisation"] = organisation
        return FaultScript(self.control, self.control.call("POST", "/faults", script))

    def reset(self, organisation: str = TEST_ORGANISATION) -> None:
        """Remove all data of an organisation, its faults and its stopped time; its keys stay."""
        self.control.call("POST", path_of("organisations", organisation, "reset"))

    def seed(self, text: str | bytes, organisation: str = TEST_ORGANISATION) -> dict[str, Any]:
        """Run a file of API calls; returns what was created, and the ids that its lines named."""
        raw = text.encode() if isinstance(text, str) else text
        path = path_of("organisations", organisation, "seed")
        answer: dict[str, Any] = self.control.call("POST", path, raw)
        return answer

    def collect(
        self,
        customer: str,
        amount: int,
        *,
        settles: Mapping[str, int] = {},
        organisation: str = TEST_ORGANISATION,
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
        path = path_of("organisations", organisation, "collected")
        payment: dict[str, Any] = self.control.call("POST", path, body)
        return payment

    def fail(
        self, payment: str, *, organisation: str = TEST_ORGANISATION, **fields: str
    ) -> dict[str, Any]:
        """Refund a payment, by the API's id, like a direct debit that fails; returns the refund.

        `fields` may be `validatedAt`.
        """
        path = path_of("organisations", organisation, "collected", payment, "failed")
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
        """Test clock of the organisation `test`."""
        return self.clock_of(TEST_ORGANISATION)

    def clock_of(self, organisation: str) -> TestClock:
        """Return the test clock of another organisation."""
        return TestClock(self.control, organisation)
