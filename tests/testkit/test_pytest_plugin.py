"""The pytest plugin in projects of its users: pytest runs there as a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PROJECT = """
import json
from urllib.request import Request, urlopen

import pytest


def ask(hub, path, body=None):
    headers = {**hub.headers, "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(hub.url + path, data, headers)) as answer:
        return json.load(answer)


@pytest.fixture
def customer(headrace_hub):
    return ask(headrace_hub, "/customers", {"externalId": "c1", "name": "Acme"})


@pytest.mark.parametrize("number", range(10))
def test_each_test_begins_with_nothing(headrace_hub, customer, number):
    assert ask(headrace_hub, "/customers")["total"] == 1
    assert [one.path for one in headrace_hub.requests()] == ["/v1/customers"] * 2


@pytest.mark.headrace_hub(seed="saas", entities=60, number=5, clock="2026-03-01", limits=3)
def test_a_marker_says_what_it_holds(headrace_hub):
    assert headrace_hub.counts["invoices"] > 10
    assert ask(headrace_hub, "/invoices")["total"] == headrace_hub.counts["invoices"]
    assert headrace_hub.clock.now() == "2026-03-01T00:00:00.000Z"
    headrace_hub.clock.advance("45d")
    assert headrace_hub.clock.now() == "2026-04-15T00:00:00.000Z"


def test_faults_hit_its_own_requests(headrace_hub):
    with headrace_hub.faults({"kind": "status", "status": 503, "on": "GET /customers"}) as script:
        with pytest.raises(Exception, match="503"):
            ask(headrace_hub, "/customers")
        assert script.done


def test_it_can_be_seeded_and_emptied(headrace_hub):
    body = {"externalId": "a", "name": "A"}
    headrace_hub.seed(json.dumps({"method": "POST", "path": "/customers", "body": body}))
    assert ask(headrace_hub, "/customers")["total"] == 1
    headrace_hub.reset()
    assert ask(headrace_hub, "/customers")["total"] == 0


def test_one_hub_serves_the_session(headrace_hub, headrace_hub_server):
    names = headrace_hub_server.control.call("GET", "/sandboxes")["sandboxes"]
    assert {one["name"] for one in names} == {"test", headrace_hub.name}, "earlier ones are gone"
"""


def _pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest"]
    # Plugins of others take longer to load than ours.
    for plugin in ("cacheprovider", "schemathesis", "hypothesispytest", "anyio"):
        command += ["-p", f"no:{plugin}"]
    return subprocess.run(
        [*command, *options], cwd=folder, capture_output=True, text=True, timeout=120
    )


def _project(folder: Path) -> Path:
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    (folder / "test_project.py").write_text(PROJECT)
    return folder


def _examples() -> str:
    """The tests that the documentation shows."""
    blocks = re.findall(
        r"```python\n(.*?)```", (DOCS / "hub-control.md").read_text("utf-8"), re.DOTALL
    )
    return "\n".join(block for block in blocks if "def test_" in block)


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """How many tests passed of each module of a project that has the documentation's, too."""
    project = _project(tmp_path_factory.mktemp("project"))
    (project / "test_example.py").write_text(_examples())
    run = _pytest(project, "-rA")
    assert run.returncode == 0, run.stdout
    return Counter(re.findall(r"^PASSED (\w+)\.py", run.stdout, re.MULTILINE))


def test_every_test_gets_a_sandbox_of_its_own(passed: Counter[str]) -> None:
    assert passed["test_project"] == 14


def test_the_example_of_the_documentation_passes(passed: Counter[str]) -> None:
    assert passed["test_example"] == _examples().count("def test_") > 0


def test_tests_run_in_parallel(tmp_path: Path) -> None:
    run = _pytest(_project(tmp_path), "-n", "2")
    assert "14 passed" in run.stdout, run.stdout


def test_it_costs_nothing_where_it_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n"
        "def test_nothing_is_loaded():\n"
        "    loaded = {name for name in sys.modules if name.split('.')[0] == 'headrace'}\n"
        "    plugin = {'headrace', 'headrace.testkit', 'headrace.testkit.pytest_plugin'}\n"
        "    assert loaded == plugin\n"
        "    assert not {'msgspec', 'starlette', 'uvicorn', 'duckdb'} & set(sys.modules)\n"
    )
    run = _pytest(tmp_path)
    assert "1 passed" in run.stdout, run.stdout


def test_the_fixtures_and_the_marker_are_described(tmp_path: Path) -> None:
    listed = _pytest(tmp_path, "--fixtures").stdout
    assert re.search(r"headrace_hub\b.*\n\s+A sandbox for this test", listed)
    assert "headrace_hub(seed, entities, number, limits" in _pytest(tmp_path, "--markers").stdout


WRONG = {
    '"saas"': "takes named arguments",
    'seed="bakery"': "there is no profile 'bakery'",
    'size="large"': "size",
}
"""Arguments of markers, and what is said about each."""


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What was wrong with each test of a project, by module and name; nothing where it passed."""
    folder = tmp_path_factory.mktemp("wrong")
    for number, marker in enumerate(WRONG):
        (folder / f"test_wrong{number}.py").write_text(
            "import pytest\n"
            f"@pytest.mark.headrace_hub({marker})\n"
            "def test_one(headrace_hub): pass\n"
            "def test_other(headrace_hub): pass\n"
        )
    run = _pytest(folder, "--junitxml", "results.xml")
    assert "3 passed, 3 errors" in run.stdout, run.stdout
    return {
        f"{case.get('classname')}.{case.get('name')}": "".join(case.itertext())
        for case in ElementTree.parse(folder / "results.xml").iter("testcase")
    }


@pytest.mark.parametrize("marker", WRONG)
def test_a_wrong_marker_is_an_error_of_its_test(wrong: dict[str, str], marker: str) -> None:
    module = f"test_wrong{list(WRONG).index(marker)}"
    assert WRONG[marker] in wrong[f"{module}.test_one"]
    assert wrong[f"{module}.test_other"] == ""
