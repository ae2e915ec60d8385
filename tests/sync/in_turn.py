"""Several `headrace` commands as processes of their own, for the price of starting one.

Most of what a process costs is loading the modules. Here one process loads those of all commands,
and each command is a fork of it, with its own output, that runs what the console script runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence

_PROGRAM = """
import importlib, json, os, sys, threading, traceback
from headrace.cli import main

commands = json.loads(sys.argv[1])
for name in ["application", *(words[0] for words in commands)]:
    importlib.import_module(f"headrace.cli.{name}")
assert threading.active_count() == 1, "a fork would lack the other threads"


def child(words, ends):
    for number, end in enumerate(ends, 1):
        os.dup2(end, number)
    code = 1
    try:
        sys.argv = ["headrace", *words]
        main.main()
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ran(words):
    out, err = os.pipe(), os.pipe()
    number = os.fork()
    if number == 0:
        child(words, (out[1], err[1]))
    os.close(out[1])
    os.close(err[1])
    # No command says as much on standard error as a pipe holds.
    said = [os.fdopen(end, "rb").read().decode() for end in (out[0], err[0])]
    return [os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), *said]


print(json.dumps([ran(words) for words in commands]))
"""


def in_turn(
    commands: Sequence[Sequence[str]],
    environment: Mapping[str, str],
    around: Sequence[str] = (),
) -> list[subprocess.CompletedProcess[str]]:
    """What came of each; `around` is the command line that starts all of them."""
    done = subprocess.run(
        [*around, sys.executable, "-c", _PROGRAM, json.dumps(commands)],
        env=dict(environment), cwd="/",
        capture_output=True, text=True, timeout=60 + 30 * len(commands), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [
        subprocess.CompletedProcess(list(words), code, out, err)
        for words, (code, out, err) in zip(commands, json.loads(done.stdout), strict=True)
    ]
