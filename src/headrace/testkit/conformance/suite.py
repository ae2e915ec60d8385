"""Runs cases against a server, some at a time, and deletes after each what it has made."""

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
    """What became of a case."""

    PASSED = "passed"
    FAILED = "failed"
    """A documented or observed rule does not hold."""
    DIFFERS = "differs"
    """The server does something else where the hub's rule is an assumption: no failure."""
    NOT_RUN = "not run"
    """The organisation lacks what the case needs."""


class Result(Struct, frozen=True):
    """A case that is over."""

    case: Case
    outcome: Outcome
    said: str
    """Why, unless it passed."""
    prefix: str
    """With which everything that it made is named."""
    exchanges: list[Exchange]
    left: list[str]
    """Paths of what could not be deleted."""


async def run_cases(
    server: Server, cases: Sequence[Case], run: str
) -> AsyncGenerator[Result, None]:
    """Results as they come; `run` begins the externalId of everything that is made.

    Cases that look at what others change go one after the other, at the end. Leaving early, also by
    cancellation, still deletes what was made.
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
    """One case and its cleaning up; what was made is deleted however it ends."""
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
    return Result(case, outcome, said, prefix, session.exchanges, left)


async def _clean(server: Server, session: Session) -> list[str]:
    """Paths of what is still there although it should be gone."""
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
