"""Scripts of faults: which request each of them hits, and what has become of them.

They are kept in the memory of one process: they are made for a test, and gone with it.
"""

from __future__ import annotations

import random
import re
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from headrace.model.errors import BadRequest, MethodNotAllowed, NotFound
from headrace.model.record import Record
from headrace.server.faults.kinds import ENDING, AnyFault, Fault
from headrace.server.routes import match

HEADER = b"x-headrace-faults"
_DESCRIBED_MAX = 100
"""How many requests a report names of each fault."""
_METHODS = ("DELETE", "GET", "POST", "PUT")


class Script(Record, kw_only=True, forbid_unknown_fields=True):
    """An ordered list of faults for an organisation's requests, or for those with its id in the
    header X-Headrace-Faults."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,100}$")] | UnsetType = UNSET
    """Made up unless given; one that exists is replaced."""
    organisation: str | UnsetType = UNSET
    """Whose requests; unless given, those of any organisation that name the id."""
    seed: int = 0
    """Of what is drawn: rates and lengths."""
    faults: Annotated[list[AnyFault], Meta(min_length=1)]


class Struck(Record):
    """A request that a fault hit."""

    request_id: str
    method: str
    path: str


class FaultReport(Record):
    """One fault of a script and what has become of it."""

    fault: AnyFault
    fired: int
    left: int | None
    """How many requests it will still hit; null without an end."""
    requests: list[Struck]
    """The first 100 that it hit."""


class ScriptReport(Record):
    """A script with what fired and what did not."""

    id: str
    organisation: str | None
    seed: int
    done: bool
    """Whether everything that has an end has fired."""
    faults: list[FaultReport]


class Faults:
    """The scripts of one process."""

    def __init__(self, *, may_exit: bool = True) -> None:
        """`may_exit` is false where the process is not the hub's own."""
        self.armed = False
        """Whether there is any script; all that a request costs without one."""
        self._may_exit = may_exit
        self._scripts: dict[str, _Running] = {}
        self._made = 0

    def add(self, script: Script) -> ScriptReport:
        """Arm a script. Raises BadRequest for faults that could never fire."""
        for place, fault in enumerate(script.faults):
            _check_pattern(fault, f"faults[{place}].on")
            if isinstance(fault, ENDING) and not self._may_exit:
                raise BadRequest(
                    f"faults[{place}].kind: this hub runs inside the test's own process, which "
                    "would end with it; use headrace.testkit.hub.hub_process."
                )
        self._made += 1
        name = script.id if isinstance(script.id, str) else f"script-{self._made}"
        self._scripts[name] = _Running(name, script)
        self.armed = True
        return self._scripts[name].report()

    def report(self, name: str) -> ScriptReport:
        """Raises NotFound."""
        if name not in self._scripts:
            raise NotFound(f"There is no script of faults {name}.")
        return self._scripts[name].report()

    def reports(self) -> list[ScriptReport]:
        """Of all scripts, in the order in which they were made."""
        return [running.report() for running in self._scripts.values()]

    def remove(self, name: str) -> ScriptReport:
        """Disarm one; gives its last report. Raises NotFound."""
        report = self.report(name)
        del self._scripts[name]
        self.armed = bool(self._scripts)
        return report

    def remove_all(self, organisation: str | None = None) -> None:
        """Disarm all scripts, or those of an organisation."""
        for report in self.reports():
            if organisation in (None, report.organisation):
                self.remove(report.id)

    def draw(
        self, organisation: str, header: bytes | None, target: tuple[str, bytes], request_id: str
    ) -> tuple[Fault, random.Random] | None:
        """The fault that hits a request, if any does: of the script that it names, else of one of
        its organisation. `target` is its method and its path below /v1."""
        name = header.decode("latin-1") if header is not None else None
        for running in self._scripts.values():
            owner = running.organisation
            if owner not in (None, organisation) or (owner is None and running.id != name):
                continue
            fault = running.draw(target, request_id)
            if fault is not None:
                return fault, running.chance
        return None


class _Running:
    """A script and how far it is."""

    def __init__(self, name: str, script: Script) -> None:
        self.id = name
        self.organisation = script.organisation if isinstance(script.organisation, str) else None
        self.chance = random.Random(script.seed)
        self._seed = script.seed
        self._faults = script.faults
        self._fired = [0] * len(script.faults)
        self._struck: list[list[Struck]] = [[] for _ in script.faults]

    def draw(self, target: tuple[str, bytes], request_id: str) -> Fault | None:
        """The first that is left, fits and is lucky."""
        for place, fault in enumerate(self._faults):
            total = fault.total
            if total is not None and self._fired[place] >= total:
                continue
            if not _fits(fault.on, *target) or self.chance.random() >= fault.rate:
                continue
            self._fired[place] += 1
            if len(self._struck[place]) < _DESCRIBED_MAX:
                method, path = target
                struck = Struck(request_id=request_id, method=method, path=path.decode("latin-1"))
                self._struck[place].append(struck)
            return fault
        return None

    def report(self) -> ScriptReport:
        faults = [
            FaultReport(
                fault=fault,
                fired=fired,
                left=fault.total - fired if fault.total is not None else None,
                requests=list(struck),
            )
            for fault, fired, struck in zip(self._faults, self._fired, self._struck, strict=True)
        ]
        return ScriptReport(
            id=self.id,
            organisation=self.organisation,
            seed=self._seed,
            done=not any(report.left for report in faults),
            faults=faults,
        )


def _fits(pattern: str | None, method: str, path: bytes) -> bool:
    if pattern is None:
        return True
    wanted, _, place = pattern.partition(" ")
    if wanted not in ("*", method):
        return False
    segments, given = place.encode().split(b"/"), path.rstrip(b"/").split(b"/")
    return len(segments) == len(given) and all(
        segment in (b"{}", other) for segment, other in zip(segments, given, strict=True)
    )


def _check_pattern(fault: Fault, place: str) -> None:
    """Refuse what no request can have: a misspelt path would never fire."""
    if fault.on is None:
        return
    method, _, path = fault.on.partition(" ")
    problem = None
    if method not in ("*", *_METHODS) or not re.fullmatch(r"/\S+", path):
        problem = f"{fault.on!r} is not a method and a path below /v1, such as POST /invoices"
    elif not any(_served(one, path) for one in (_METHODS if method == "*" else (method,))):
        problem = f"there is no {fault.on} in the API"
    if problem is not None:
        raise BadRequest(f"{place}: {problem}.", ((place, problem),))


def _served(method: str, path: str) -> bool:
    try:
        match(method, path.encode())
    except (NotFound, MethodNotAllowed):
        return False
    return True
