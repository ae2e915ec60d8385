"""What a test does to its hub in addition to the API: faults, time, a fresh start, snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from headrace.control.client import ControlClient, path_of

TEST_ORGANISATION = "test"


class FaultScript:
    """A script of faults of a hub; disarmed at the end of a `with` block."""

    def __init__(self, client: ControlClient, report: dict[str, Any]) -> None:
        self.id: str = report["id"]
        self._client = client

    @property
    def headers(self) -> dict[str, str]:
        """What a request carries to be hit by a script that is bound to its id."""
        return {"X-Headrace-Faults": self.id}

    def report(self) -> dict[str, Any]:
        """What fired and what did not, as `GET /_hub/faults/{id}` answers."""
        report: dict[str, Any] = self._client.call("GET", path_of("faults", self.id))
        return report

    @property
    def done(self) -> bool:
        """Whether every fault that has an end has fired."""
        return bool(self.report()["done"])

    def remove(self) -> dict[str, Any]:
        """Disarm it; gives the last report."""
        report: dict[str, Any] = self._client.call("DELETE", path_of("faults", self.id))
        return report

    def __enter__(self) -> FaultScript:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class TestClock:
    """An organisation's time."""

    __test__ = False

    def __init__(self, client: ControlClient, organisation: str) -> None:
        self._client = client
        self._path = path_of("organisations", organisation, "clock")

    def now(self) -> str:
        """As the API writes moments."""
        return str(self._client.call("GET", self._path)["now"])

    def freeze(self, at: str | None = None) -> str:
        """Stop it at an ISO 8601 moment, or now; gives the moment."""
        body = {"at": at} if at is not None else {}
        return str(self._client.call("POST", f"{self._path}/freeze", body)["now"])

    def advance(self, by: str) -> str:
        """Move it on by an interval such as 12h or 45d; gives the moment."""
        return str(self._client.call("POST", f"{self._path}/advance", {"by": by})["now"])

    def reset(self) -> None:
        """Real time again."""
        self._client.call("DELETE", self._path)


class Controlled:
    """A hub whose control plane is open to the test."""

    @property
    def control(self) -> ControlClient:
        """For whatever has no function here."""
        raise NotImplementedError

    def faults(
        self,
        *faults: dict[str, Any],
        bound: Literal["organisation", "header"] = "organisation",
        organisation: str = TEST_ORGANISATION,
        seed: int = 0,
    ) -> FaultScript:
        """Arm a script, each fault as the hub's page describes it:
        `{"kind": "status", "status": 503, "on": "POST /invoices", "times": 2}`.

        It hits the organisation's requests, or with `bound="header"` those that carry the
        script's `headers`, so that tests on one hub don't disturb each other.
        """
        script: dict[str, Any] = {"faults": faults, "seed": seed}
        if bound == "organisation":
            script["organisation"] = organisation
        return FaultScript(self.control, self.control.call("POST", "/faults", script))

    def reset(self, organisation: str = TEST_ORGANISATION) -> None:
        """Remove all data of an organisation, its faults and its stopped time; its keys stay."""
        self.control.call("POST", path_of("organisations", organisation, "reset"))

    def seed(self, text: str | bytes, organisation: str = TEST_ORGANISATION) -> dict[str, Any]:
        """Play a file of API calls; gives what was made, and the ids that its lines named."""
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
        """Pay as a customer does in the portal; gives the payment as the API answers it.

        `customer` and what it `settles` (invoice to amount) go by external id; `fields` are
        `validatedAt`, `instrument` and `refNumber`.
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
        """Give a payment back, by the API's id, as a direct debit that fails; gives the refund.

        `fields` is `validatedAt`.
        """
        path = path_of("organisations", organisation, "collected", payment, "failed")
        refund: dict[str, Any] = self.control.call("POST", path, fields)
        return refund

    def snapshot(self, name: str | None = None) -> str:
        """Copy the whole hub; gives the snapshot's name."""
        body = {"name": name} if name is not None else {}
        return str(self.control.call("POST", "/snapshots", body)["name"])

    def restore(self, name: str) -> None:
        """Put the whole hub back as it was."""
        self.control.call("POST", path_of("snapshots", name, "restore"))

    @property
    def clock(self) -> TestClock:
        """Time of the organisation `test`."""
        return self.clock_of(TEST_ORGANISATION)

    def clock_of(self, organisation: str) -> TestClock:
        """Time of another organisation."""
        return TestClock(self.control, organisation)
