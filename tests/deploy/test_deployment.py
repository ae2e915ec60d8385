"""The files in deploy/: valid for what reads them, and true about headrace."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import kubernetes_validate
import pytest
import typer
import yaml
from packaging.requirements import Requirement

from headrace.cli.application import build_app
from headrace.fleet.project import load_project

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = "1.30"
SYSTEMD = sorted((DEPLOY / "systemd").glob("*.service"))


# the commands that they run -------------------------------------------------------------------


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """The words of every headrace command in deploy/, each with its file."""
    for file in sorted(p for p in DEPLOY.rglob("*") if p.is_file() and p.suffix != ".pyc"):
        text = file.read_text("utf-8")
        for line in re.findall(r"(?:bin/|run: |^ +)headrace (.+)", text, re.MULTILINE):
            line = line.split(">")[0].split(" 2>")[0].partition(" ||")[0]
            yield file.name, shlex.split(line)
    for service in yaml.safe_load((DEPLOY / "docker/compose.yml").read_text())["services"].values():
        if "command" in service:
            yield "compose.yml", service["command"]
    dockerfile = (DEPLOY / "docker/Dockerfile").read_text("utf-8")
    yield "Dockerfile", json.loads(re.findall(r"^CMD (.+)", dockerfile, re.MULTILINE)[-1])
    yield "headrace.yaml", container()["args"]
    yield "headrace_command.py", ["apply", "--json", "--project", "x", "--organisation", "y"]


def test_every_command_and_option_exists() -> None:
    app: Any = typer.main.get_command(build_app())
    lines = list(command_lines())
    assert len(lines) >= 12
    for file, words in lines:
        command, rest = app, list(words)
        while getattr(command, "commands", None):
            assert rest[0] in command.commands, (file, words)
            command = command.commands[rest.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        used = {word for word in rest if word.startswith("-")}
        assert used <= known, (file, words)


# systemd, cron --------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("unit", SYSTEMD, ids=lambda path: path.name)
def test_systemd_accepts_the_unit(unit: Path, tmp_path: Path) -> None:
    program = tmp_path / "headrace"  # the checkout may have spaces in its path
    program.symlink_to(sys.executable)
    text = unit.read_text("utf-8").replace("/opt/headrace/bin/headrace", str(program))
    (tmp_path / unit.name).write_text(text, "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / unit.name],
        capture_output=True,
        text=True,
    )
    about_it = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, about_it) == (0, []), done.stderr


def test_each_line_for_cron_has_five_times_a_user_and_a_command() -> None:
    lines = (DEPLOY / "cron/headrace").read_text("utf-8").splitlines()
    jobs = [line for line in lines if line[:1] in "*0123456789" and line]
    assert len(jobs) == 3
    for line in jobs:
        *times, user, command = line.split(maxsplit=6)
        assert all(re.fullmatch(r"\*(/\d+)?|\d+", time) for time in times), line
        assert user == "headrace"
        assert "%" not in command, "cron takes % for a line break"
        subprocess.run(["sh", "-n", "-c", command], check=True)


# Docker ---------------------------------------------------------------------------------------


def test_the_dockerfile_keeps_the_usual_rules() -> None:
    text = (DEPLOY / "docker/Dockerfile").read_text("utf-8")
    code = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    instructions = [line.split(maxsplit=1) for line in code.splitlines() if line.strip()]
    names = [name for name, _ in instructions]
    assert names.count("FROM") == 2 and names[0] == "FROM"
    known = "FROM RUN WORKDIR COPY ENV USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD"
    assert set(names) <= set(known.split()), "ADD and MAINTAINER among others are not used"
    for name, value in instructions:
        if name == "FROM":
            assert ":" in value and ":latest" not in value
        if name == "RUN" and "apt-get install" in value:
            assert "--no-install-recommends" in value and "rm -rf /var/lib/apt/lists/*" in value
        if name in ("ENTRYPOINT", "CMD"):
            json.loads(value)
        if name == "ENV":
            assert not re.search(r"KEY|SECRET|PASSWORD|TOKEN", value)
    last_user = [value for name, value in instructions if name == "USER"][-1]
    assert last_user not in ("root", "0")
    for name, value in instructions:
        if name == "COPY" and not value.startswith("--from"):
            for source in value.split()[:-1]:
                assert (ROOT / source).exists(), source


BASE_MB = 75
"""Size of debian:bookworm-slim, as its publisher says."""
PYTHON_MB = 42
"""Installed size of python3, ca-certificates, libjemalloc2 and what they need, by Debian's package
index."""


@pytest.mark.skipif(shutil.which("strip") is None, reason="binutils is not installed")
def test_the_layers_of_the_image_add_up_to_less_than_250_megabytes(tmp_path: Path) -> None:
    installed = sum(stripped(path, tmp_path) for path in installed_files())
    own = sum(path.stat().st_size for path in (ROOT / "src").rglob("*") if path.suffix != ".pyc")
    mine = (installed + own) / 1e6
    assert mine > 60, "it is measured"
    assert BASE_MB + PYTHON_MB + mine < 250, mine


def installed_files() -> Iterator[Path]:
    """The files of everything that the image installs beside headrace, without bytecode."""
    todo, seen = ["headrace[alerts,metrics,postgres]"], set()
    while todo:
        requirement = Requirement(todo.pop())
        for extra in ("", *requirement.extras):
            for text in importlib.metadata.requires(requirement.name) or ():
                needed = Requirement(text)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    todo += [str(needed)] if str(needed) not in seen else []
                    seen.add(str(needed))
        if requirement.name in seen:
            continue
        seen.add(requirement.name)
        if requirement.name != "headrace":
            for file in importlib.metadata.files(requirement.name) or ():
                path = Path(str(file.locate()))
                if path.suffix != ".pyc" and path.is_file():
                    yield path


def stripped(path: Path, folder: Path) -> int:
    """The size of a file, of a large library without its symbols."""
    size = path.stat().st_size
    if ".so" not in path.suffixes or not 10**6 < size < 3 * 10**7:
        return size
    copy = folder / "stripped.so"
    subprocess.run(["strip", "--strip-unneeded", "-o", copy, path], check=True)
    return copy.stat().st_size


def test_the_services_of_compose_stand_apart_and_share_their_data() -> None:
    compose = yaml.safe_load((DEPLOY / "docker/compose.yml").read_text("utf-8"))
    services = compose["services"]
    assert set(services) == {"headrace", "alerts"}
    for service in services.values():
        assert service["read_only"] is True and service["env_file"] == ["secrets.env"]
        assert "data:/project/.headrace" in service["volumes"]
    assert services["headrace"]["ports"] == ["127.0.0.1:9464:9464"]
    context = (DEPLOY / "docker" / services["headrace"]["build"]["context"]).resolve()
    assert context == ROOT
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert ignored[0] == "*" and "!src" in ignored


# Kubernetes -----------------------------------------------------------------------------------


def objects() -> list[dict[str, Any]]:
    text = (DEPLOY / "kubernetes/headrace.yaml").read_text("utf-8")
    return list(yaml.safe_load_all(text))


def container() -> dict[str, Any]:
    (deployment,) = (one for one in objects() if one["kind"] == "Deployment")
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(found)


@pytest.mark.parametrize("document", objects(), ids=lambda one: str(one["kind"]))
def test_kubernetes_knows_every_field(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    (deployment,) = (one for one in objects() if one["kind"] == "Deployment")
    deployment["spec"]["replika"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, KUBERNETES, strict=True)


def test_the_pod_has_probes_one_replica_and_a_valid_project(tmp_path: Path) -> None:
    found = container()
    paths = [found[name]["httpGet"]["path"] for name in ("livenessProbe", "readinessProbe")]
    assert paths == ["/healthz", "/readyz"]
    (deployment,) = (one for one in objects() if one["kind"] == "Deployment")
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert deployment["spec"]["replicas"] == 1
    config, secret = objects()[:2]
    (tmp_path / "headrace.toml").write_text(config["data"]["headrace.toml"], "utf-8")
    settings = load_project(tmp_path).settings.organisation["acme"]
    named = {settings.target.key, settings.target.secret, settings.source.url, *settings.alerts.to}
    assert {name.removeprefix("env:") for name in named} == set(secret["stringData"])


# schedulers -----------------------------------------------------------------------------------

SCHEDULERS = DEPLOY / "schedulers"
DOCUMENT = '[{"organisation":"acme","outcome":{"sent":3,"rejected":1,"left":0}}]'
ERROR = '{"error":{"code":%d,"kind":"x","message":"a sentence"}}'


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCHEDULERS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def answering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[int, str], None]]:
    """Puts a command `headrace` first in the path, with this exit code and output."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    before = set(sys.modules)

    def make(code: int, said: str) -> None:
        file = tmp_path / "headrace"
        file.write_text(f"#!/bin/sh\ncat <<'E'\n{said}\nE\nexit {code}\n", "utf-8")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)

    yield make
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_the_exit_codes_of_apply_decide_what_a_scheduler_does(
    answering: Callable[[int, str], None],
) -> None:
    helper = module("headrace_command")
    for code in (0, 3, 4):
        answering(code, DOCUMENT)
        done = helper.sync("acme", "/project")
        assert (done["sent"], done["rejected"], done["left"]) == (3, 1, 0)
    for code in (5, 8):
        answering(code, ERROR % code)
        with pytest.raises(helper.TryAgain, match="a sentence"):
            helper.sync("acme", "/project")
    for code in (1, 6, 7, 10):
        answering(code, ERROR % code)
        with pytest.raises(helper.NeedsPerson, match="a sentence"):
            helper.sync("acme", "/project")
    answering(1, "Traceback")
    with pytest.raises(helper.NeedsPerson):
        helper.sync("acme", "/project")


class Stand:
    """Stands in for a library: any name, as a decorator with or without arguments."""

    def __getattr__(self, name: str) -> Any:
        return Stand()

    def __call__(self, *given: Any, **named: Any) -> Any:
        if len(given) == 1 and callable(given[0]) and not named:
            return given[0]
        return Stand()


def test_the_example_for_airflow_stops_at_what_a_person_must_mend(
    answering: Callable[[int, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[Any] = []

    def task(**_: Any) -> Any:
        def made(function: Any) -> Any:
            tasks.append(function)
            return SimpleNamespace(expand=lambda organisation: None)

        return made

    class AirflowFailException(Exception):
        pass

    parts = {
        "airflow": SimpleNamespace(),
        "airflow.decorators": SimpleNamespace(dag=lambda **_: lambda made: made, task=task),
        "airflow.exceptions": SimpleNamespace(AirflowFailException=AirflowFailException),
    }
    for name, part in parts.items():
        monkeypatch.setitem(sys.modules, name, part)  # type: ignore[arg-type]
    helper = module("headrace_command")
    module("airflow_dag")
    answering(0, DOCUMENT)
    assert tasks[0]("acme")["sent"] == 3
    answering(7, ERROR % 7)
    with pytest.raises(AirflowFailException):
        tasks[0]("acme")
    answering(5, ERROR % 5)
    with pytest.raises(helper.TryAgain):
        tasks[0]("acme")


def test_the_example_for_prefect_tries_again_what_passes_by_itself(
    answering: Callable[[int, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prefect", Stand())  # type: ignore[arg-type]
    helper = module("headrace_command")
    example = module("prefect_flow")

    def state(error: Exception) -> SimpleNamespace:
        def result() -> None:
            raise error

        return SimpleNamespace(result=result)

    assert example.is_worth_a_try(None, None, state(helper.TryAgain("later")))
    assert not example.is_worth_a_try(None, None, state(helper.NeedsPerson("now")))


def test_the_example_for_dagster_can_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dagster", Stand())  # type: ignore[arg-type]
    module("headrace_command")
    assert module("dagster_job").ORGANISATIONS == ["acme", "globex"]


# CI for models --------------------------------------------------------------------------------


def test_the_workflow_tests_checks_and_plans_and_sends_nothing() -> None:
    text = (DEPLOY / "github/models.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    steps = workflow["jobs"]["models"]["steps"]
    runs = " ".join(step.get("run", "") for step in steps)
    for words in ("headrace test", "headrace check", "headrace plan --md"):
        assert words in runs
    assert "headrace apply" not in runs and "headrace run" not in runs
    for step in steps:
        if "run" in step:
            script = re.sub(r"\$\{\{.*?\}\}", "x", step["run"])
            subprocess.run(["bash", "-n", "-c", script], check=True)
