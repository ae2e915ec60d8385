"""Runs cases against a server, several at a time, and deletes what each has created."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncGenerator, Sequence

from msgspec import Struct

from headrace.model.errors import Unreachable
from headrace.testkit.conformance.evidence import Case, Evidence
from headrace.testkit.conformance.expect import Differs, NotApplicable
from headrace.testkit.conformance.server import Server
from headrace.testkit.conformance.session import (
    JSON_TYPE,
    Exchange,
    Session,
    decoded,
    to_its_end,
)


class Outcome(enum.Enum):
    """The outcome of a case."""

    PASSED = "passed"
    FAILED = "failed"
    """A documented or observed rule does not hold."""
    DIFFERS = "differs"
    """The server differs where the hub's rule is an assumption; this is no failure."""
    NOT_RUN = "not run"
    """The organisation lacks something that the case needs."""


class Result(Struct, frozen=True):
    """The result of a finished case."""

    case: Case
    outcome: Outcome
    said: str
    """The reason, unless it passed."""
    prefix: str
    """Prefix of the names of everything that it created."""
    exchanges: list[Exchange]
    sent: frozenset[str]
    """Texts that the case has sent."""
    left: list[str]
    """Paths of records that could not be deleted."""


async def run_cases(
    server: Server, cases: Sequence[Case], run: str
) -> AsyncGenerator[Result, None]:
    """Run cases and yield their results; `run` is the prefix of every externalId.

    Cases that depend on data of others run one after the other, at the end. What was created is
    deleted even if the caller stops early or is cancelled.
    """
    numbered = [(case, f"{run}-{number}") for number, case in enumerate(cases, 1)]
    together = [item for item in numbered if not item[0].alone]
    tasks: set[asyncio.Task[Result]] = set()
    gate = asyncio.Semaphore(server.target.in_flight)

    async def guarded(case: Case, prefix: str) -> Result:
        async with gate:
            return await run_case(server, case, prefix)

    try:
        tasks = {asyncio.create_task(guarded(*item)) for item in together}
        for next_one in asyncio.as_completed(list(tasks)):
            yield await next_one
        for case, prefix in numbered:
            if case.alone:
                task = asyncio.create_task(run_case(server, case, prefix))
                tasks.add(task)
                yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run_case(server: Server, case: Case, prefix: str) -> Result:
    """Run one case, and delete what it created, however it ends."""
    session = Session(server.send, prefix)
    left: list[str] = []
    outcome, said = Outcome.PASSED, ""
    try:
        await case.run(session)
    except NotApplicable as reason:
        outcome, said = Outcome.NOT_RUN, str(reason)
    except Differs as difference:
        assumption = case.evidence is Evidence.ASSUMED
        outcome = Outcome.DIFFERS if assumption else Outcome.FAILED
        said = str(difference)
    except Unreachable as error:
        outcome, said = Outcome.FAILED, str(error)
    finally:
        left = await to_its_end(_clean(server, session))
    return Result(case, outcome, said, prefix, session.exchanges, frozenset(session.sent), left)


async def _clean(server: Server, session: Session) -> list[str]:
    """Return the paths of records that still exist although they should be deleted."""
    left = []
    for method, path, body in session.leftovers.requests():
        try:
            answer = await Session(server.send, session.prefix).call(
                method, path, body, headers=JSON_TYPE if body is not None else {}
            )
        except Unreachable as error:
            left.append(f"{path} ({error})")
            continue
        if method == "DELETE" and not (200 <= answer.status < 300 or answer.status == 404):
            left.append(f"{path} ({answer.status}: {decoded(answer)})")
    return left
