"""`headrace conformance`: whether a server speaks the API."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from headrace.cli.exit_codes import ExitCode
from headrace.cli.interruptible import run_work
from headrace.cli.options.record import with_options
from headrace.cli.show.conformance import (
    ResultWatch,
    print_differences,
    print_results,
    print_traffic_differences,
)
from headrace.cli.show.console import JsonOption, console, print_json
from headrace.client.transport import HttpTransport
from headrace.fleet.secrets import resolve
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ConfigurationError
from headrace.model.secret_text import check_key, check_target
from headrace.oracle.difference import Difference
from headrace.oracle.recording import Traffic, head_of
from headrace.oracle.recording import load as load_traffic
from headrace.testkit.conformance import recording
from headrace.testkit.conformance.against import against_traffic
from headrace.testkit.conformance.cases import CASES
from headrace.testkit.conformance.evidence import Case
from headrace.testkit.conformance.server import Server, ServerUnderTest
from headrace.testkit.conformance.suite import Outcome, Result, run_cases


class Options(Struct, frozen=True):
    """What can be asked."""

    base_url: Annotated[
        str | None, typer.Option(help="The API's base with its version, https://.../v1.")
    ] = None
    key: Annotated[str, typer.Option(help="env:NAME or file:PATH of the key.")] = "env:HEADRACE_KEY"
    secret: Annotated[str, typer.Option(help="env:NAME or file:PATH of the secret.")] = (
        "env:HEADRACE_SECRET"
    )
    only: Annotated[
        list[str] | None,
        typer.Option(help="Cases whose name, evidence or operation has this text; repeatable."),
    ] = None
    list_: Annotated[bool, typer.Option("--list", help="List the cases and send nothing.")] = False
    rate: Annotated[int, typer.Option(min=1, help="Requests in any 60 seconds, at most.")] = 600
    in_flight: Annotated[int, typer.Option(min=1, max=10, help="Requests at a time.")] = 5
    record: Annotated[
        Path | None, typer.Option(help="Keep what may be shared of the answers in this file.")
    ] = None
    compare: Annotated[
        list[Path] | None,
        typer.Option(help="Compare with recorded answers; two files and no --base-url: offline."),
    ] = None
    against: Annotated[
        list[Path] | None,
        typer.Option(
            help="Hold the server against this recording, of cases or of `headrace proxy`; "
            "repeatable."
        ),
    ] = None
    json: JsonOption = False


@with_options(Options)
def command(options: Options) -> None:
    """Find out whether a server speaks Upflow's API v1, by its answers alone.

    Works in the organisation of the key pair: take one made for tests. Everything is made under
    names of this run's own and deleted again, also after Ctrl-C. Cases are documented (the vendor
    says so), observed (a client of the live API or the older reference does) or assumed (a rule of
    the hub where no source says anything). Where a server differs from an assumption, that is told
    and is no failure: exit code 9 is for documented and observed rules that do not hold, for
    recordings that differ, and for what could not be deleted.

    With --against, only what the recordings have is sent.

    Example: headrace conformance --base-url http://127.0.0.1:8080/v1 --record hub.jsonl
    """
    chosen = _chosen(options.only or [])
    if options.list_:
        _list(chosen, options.json)
        return
    if options.against and options.base_url is None:
        raise ConfigurationError("--against holds a server against recordings: name --base-url.")
    if options.base_url is None:
        differs = _compare_files(options)
    else:
        differs = _run(options, chosen)
    if differs:
        raise typer.Exit(ExitCode.DIFFERS)


def _chosen(words: Sequence[str]) -> tuple[Case, ...]:
    found = tuple(
        case
        for case in CASES
        if not words
        or any(
            word in text
            for word in words
            for text in (case.name, case.evidence.value, *case.operations)
        )
    )
    if not found:
        raise typer.BadParameter(
            "no case has this in its name, evidence or operations; --list shows them",
            param_hint="--only",
        )
    return found


def _list(cases: Sequence[Case], json: bool) -> None:
    if json:
        print_json([_described(case) for case in cases])
        return
    for case in cases:
        console.print(f"{case.name}: {case.rule} ({case.evidence.value}: {case.source})")


def _described(case: Case) -> dict[str, object]:
    return {
        "case": case.name,
        "rule": case.rule,
        "evidence": case.evidence.value,
        "source": case.source,
        "operations": case.operations,
    }


def _target(options: Options, environment: Mapping[str, str]) -> ServerUnderTest:
    for name, text in (("--key", options.key), ("--secret", options.secret)):
        if not text.startswith(("env:", "file:")):
            raise ConfigurationError(
                f"{name} takes env:NAME or file:PATH: a command line is seen by other processes."
            )
    base = resolve(options.base_url or "", "--base-url", Path(), environment)
    check_target(base, "--base-url")
    key = resolve(options.key, "the key (--key)", Path(), environment)
    secret = resolve(options.secret, "the secret (--secret)", Path(), environment)
    check_key(key, "the key (--key)")
    check_key(secret, "the secret (--secret)")
    return ServerUnderTest(
        base.rstrip("/"),
        key,
        secret,
        options.rate,
        options.in_flight,
    )


def _run(options: Options, cases: Sequence[Case]) -> bool:
    """Whether anything is wrong."""
    target = _target(options, os.environ)
    theirs = [recording.load(path) for path in options.compare or []]
    recorded = [path for path in options.against or [] if head_of(path).kind == recording.KIND]
    theirs += [recording.load(path) for path in recorded]
    traffic = [load_traffic(path) for path in options.against or [] if path not in recorded]
    if options.against:
        named = {name for other in theirs for name in other.cases}
        cases = [case for case in cases if case.name in named]
    with ResultWatch(len(cases), quiet=options.json) as watch:
        results, differences = run_work(_results(target, cases, watch, traffic), wind_up_s=None)
    mine = recording.record(target.url, results)
    if options.record is not None:
        recording.save(mine, options.record)
    found = [difference for other in theirs for difference in recording.compare(mine, other)]
    if options.json:
        document = {
            "server": target.url,
            "results": [
                {**_described(result.case), "outcome": result.outcome.value, "said": result.said}
                for result in results
            ],
            "left": [path for result in results for path in result.left],
            "differences": [*found, *differences],
        }
        print_json(document)
    else:
        print_results(results)
        print_differences(found)
        print_traffic_differences(differences)
        if options.against and not found and not differences:
            console.print("The server answers as recorded.")
    wrong = any(result.outcome is Outcome.FAILED or result.left for result in results)
    return wrong or bool(found) or bool(differences)


async def _results(
    target: ServerUnderTest,
    cases: Sequence[Case],
    watch: ResultWatch,
    traffic: Sequence[Traffic] = (),
) -> tuple[list[Result], list[Difference]]:
    """Run the cases in order, then hold the server against recordings of a proxy. `run` identifies
    this run by the second and the process id.

    Cancelling it, as Ctrl-C does, still deletes what was made.
    """
    run = f"conformance-{SYSTEM_CLOCK.now():%Y%m%d%H%M%S}-{os.getpid()}"
    arguments = (target.url, target.key, target.secret, target.timeout, target.in_flight)
    async with HttpTransport(*arguments) as transport:
        server = Server(target, transport, SYSTEM_CLOCK)
        await server.greet()
        results = []
        stream = run_cases(server, cases, run)
        try:
            async for result in stream:
                results.append(result)
                watch.seen(result)
        except asyncio.CancelledError:
            typer.echo("Deleting what was made; Ctrl-C again leaves it …", err=True)
            raise
        finally:
            await stream.aclose()
        differences = [
            one for number, kept in enumerate(traffic)
            for one in await against_traffic(server, kept, f"{run}-t{number}")
        ]  # fmt: skip
    order = {case.name: number for number, case in enumerate(cases)}
    return sorted(results, key=lambda result: order[result.case.name]), differences


def _compare_files(options: Options) -> bool:
    files = options.compare or []
    if len(files) != 2:
        raise ConfigurationError(
            "Name a server with --base-url, or two recordings to compare: --compare A --compare B."
        )
    one, other = (recording.load(path) for path in files)
    found = list(recording.compare(one, other))
    if options.json:
        print_json({"servers": [one.server, other.server], "differences": found})
    else:
        print_differences(found)
        if not found:
            console.print("Both servers answered alike.")
    return bool(found)
