"""The process beside `headrace proxy` that compares, prints and records.

It is apart from the proxy so that comparing never delays an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import Counter
from pathlib import Path
from typing import IO

from headrace.cli.exit_codes import ExitCode, code_of
from headrace.cli.show.proxied import Tally, print_difference, print_tally
from headrace.model.errors import HeadraceError
from headrace.oracle.difference import Difference
from headrace.oracle.exchange import BEGUN
from headrace.oracle.recording import Recorder
from headrace.proxy.backlog import frames
from headrace.proxy.judge import judging


def main() -> None:
    """The arguments are the server's name, text or json, and the recording's file if any."""
    name, form, *files = sys.argv[1:]
    os.nice(10)  # the clients' answers go first
    try:
        code = asyncio.run(
            witness(sys.stdin.buffer, name, Path(files[0]) if files else None, form == "json")
        )
    except HeadraceError as error:
        print(f"error: {error}", file=sys.stderr)
        code = code_of(error)
    except OSError as error:
        print(f"error: nothing is compared any more: {error.strerror}.", file=sys.stderr)
        code = ExitCode.CONFIGURATION
    sys.exit(code)


async def witness(pipe: IO[bytes], name: str, record: Path | None, json: bool) -> ExitCode:
    """Compare what arrives until the pipe ends; returns the proxy's exit code."""
    tally = Tally(Counter[Difference]())
    with contextlib.ExitStack() as stack:
        recorder = None
        if record is not None:
            recorder = Recorder(record, name)
            stack.callback(recorder.close)
        async with judging(os.urandom(32)) as judge:
            reading = frames(pipe)
            while (frame := await asyncio.to_thread(next, reading, None)) is not None:
                if frame.lost:
                    tally.lost += frame.lost
                    judge.forget()
                if frame.exchange is None:
                    continue
                if frame.exchange.status == BEGUN:
                    await judge.begin(frame.exchange)
                    continue
                try:
                    judged = await judge.judge(frame.exchange)
                except Exception as error:
                    # One exchange that can't be judged must not end the others' comparison. The
                    # message may contain data, so only its type is told.
                    print(f"not compared: {type(error).__name__}", file=sys.stderr)
                    tally.skipped += 1
                    continue
                tally.add(judged.compared, judged.exact)
                for difference in judged.differences:
                    if tally.found(difference):
                        print_difference(difference, json)
                if recorder is not None:
                    recorder.keep(judged.exchange, judged.differences)
    print_tally(tally, json)
    return ExitCode.DIFFERS if tally.differences else ExitCode.DONE
