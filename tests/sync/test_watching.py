"""A running loop seen from outside: metrics, health, the status page and traces."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from receiver import Receiver, receiver
from watched import Watched

from headrace.fleet.loop import Loop
from headrace.fleet.observer import Observers
from headrace.fleet.watch import WatchedProject
from headrace.model.errors import ConfigurationError
from headrace.testkit.hub import RunningHub
from headrace.watching.figures import Figures
from headrace.watching.listener import Listener, parse_listen
from headrace.watching.metrics import GAUGES, OTHERS
from headrace.watching.traces import Traces

DEPLOY = Path(__file__).parents[2] / "deploy"
METRIC = re.compile(r"\bheadrace_[a-z_]+")


class Seen(Watched):
    """A watched organisation with a listener and a collector of spans."""

    def __init__(self, folder: Path, hub: RunningHub, name: str, service: Receiver) -> None:
        super().__init__(folder, hub, name, service)
        self.spans = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.spans))
        self.figures = Figures(self.clock, Traces(provider))
        watched = WatchedProject(self.desk.folder, lambda sentence: None)
        observers = Observers(self.figures, self.watchman)
        self.loop = Loop(watched, None, self.clock, self.rounds.append, observer=observers)
        self.listener = Listener("0", self.watchman, self.figures, self.clock)
        self.listener.start()

    def get(self, path: str, host: str | None = None) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of a GET."""
        address = self.listener.url.removeprefix("http://")
        connection = http.client.HTTPConnection(address, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": host or address})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def values(self) -> dict[str, float]:
        """The metrics by name with labels."""
        lines = self.get("/metrics")[2].splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Iterator[Seen]:
    """An organisation that was synced once; its name and its customer have markup in them."""
    with receiver() as service:
        folder = tmp_path_factory.mktemp("seen") / "shop"
        made = Seen(folder, open_hub, "watching", service)
        made.shop.customer("C")
        made.shop.invoice("I", "C", 1000)
        assert made.get("/readyz")[0] == 503
        made.sync()
        made.look_now()
        yield made
        made.listener.stop()
        made.shop.close()


def test_metrics_say_how_an_organisation_is(seen: Seen) -> None:
    values = seen.values()
    of = '{organisation="shop"}'
    assert values[f"headrace_lag_seconds{of}"] == 0
    assert values[f"headrace_pending_operations{of}"] == 0
    assert values[f"headrace_operations_sent_total{of}"] == 2
    assert values['headrace_rounds_total{organisation="shop",result="success"}'] == 1
    assert values[f"headrace_round_seconds_count{of}"] == 1
    assert values[f"headrace_rate_limit{of}"] == 10**6
    assert values[f"headrace_requests_last_minute{of}"] >= 2
    assert values[f"headrace_last_success_timestamp_seconds{of}"] > 1e9
    for step in ("stage", "models", "plan", "request"):
        assert values[f'headrace_step_seconds_count{{organisation="shop",step="{step}"}}'] >= 1
    named = {name.partition("{")[0] for name in values}
    for name in GAUGES:
        assert name in named


def test_a_round_has_a_span_with_its_steps_below(seen: Seen) -> None:
    spans = seen.spans.get_finished_spans()
    (whole,) = [span for span in spans if span.name == "round"]
    steps = [span for span in spans if span.name != "round"]
    assert {span.name for span in steps} == {"stage", "models", "plan", "request"}
    assert whole.attributes == {"headrace.organisation": "shop"}
    for span in steps:
        assert span.parent is not None and span.parent.span_id == whole.context.span_id
        assert not span.attributes


def test_health_and_readiness_follow_the_loop(seen: Seen) -> None:
    seen.look_now()
    assert (seen.get("/healthz")[0], seen.get("/readyz")[0]) == (200, 200)
    seen.clock.added += 120
    assert (seen.get("/healthz")[0], seen.get("/readyz")[0]) == (503, 503)
    seen.look_now()
    assert seen.get("/healthz")[0] == 200


def test_the_page_shows_trouble_first_and_what_to_do_and_escapes_everything(seen: Seen) -> None:
    secret = seen.desk.environment["HEADRACE_SECRET"]
    folder = seen.desk.folder / "models"
    folder.mkdir()
    (folder / "customers.sql").write_text('select "<script>alert(1)</script>" from customers')
    for _ in range(2):
        seen.sync()
    seen.look_now()
    status, headers, text = seen.get("/")
    assert status == 200
    assert "rounds fail" in text and "headrace status -o shop" in text
    assert "in trouble" in text and "&lt;script&gt;" in text
    assert "<script>" not in text and "style=" not in text and secret not in text
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'")
    assert headers["cache-control"] == "no-store"
    (style,) = re.findall(r'href="(/assets/style[^"]+)"', text)
    assert seen.get(style)[0] == 200
    values = seen.values()
    assert values['headrace_alerts{kind="failing",organisation="shop"}'] == 1
    assert values['headrace_failures_in_a_row{organisation="shop"}'] == 2
    (folder / "customers.sql").unlink()
    folder.rmdir()
    seen.sync()
    seen.look_now()
    assert "rounds fail" not in seen.get("/")[2]


def test_the_page_is_only_for_this_machine(seen: Seen) -> None:
    assert seen.get("/", host="evil.example")[0] == 403
    assert seen.get("/metrics", host="evil.example")[0] == 200
    assert seen.get("/nothing")[0] == 404


def test_an_address_without_a_host_is_of_this_machine() -> None:
    assert parse_listen("9464") == ("127.0.0.1", 9464)
    assert parse_listen("0.0.0.0:9464") == ("0.0.0.0", 9464)
    assert parse_listen("[::1]:9464") == ("::1", 9464)
    for wrong in ("", "x", "host:", "1:99999"):
        with pytest.raises(ConfigurationError):
            parse_listen(wrong)


# the files in deploy/ --------------------------------------------------------------------------


def _exposed() -> set[str]:
    summaries = {"headrace_round_seconds", "headrace_step_seconds"}
    counters = {"headrace_rounds", "headrace_operations_sent"}
    found = {*GAUGES, *OTHERS} - summaries - counters
    found |= {f"{name}_total" for name in counters}
    return found | {f"{name}{end}" for name in summaries for end in ("_sum", "_count")}


FILES = ["deploy/prometheus/headrace.rules.yml", "deploy/grafana/headrace.json"]


@pytest.mark.parametrize("name", [*FILES, "docs/monitoring.md"])
def test_every_metric_that_a_file_names_exists(name: str) -> None:
    text = (DEPLOY.parent / name).read_text("utf-8")
    assert set(METRIC.findall(text)) - {"headrace_"} <= _exposed()
    if name.startswith("docs"):
        missing = {one for one in (*GAUGES, *OTHERS) if one not in text}
        assert not missing


def test_the_dashboard_and_the_rules_have_their_form() -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "headrace.json").read_text("utf-8"))
    assert dashboard["title"] == "headrace"
    assert all(panel["targets"][0]["expr"] for panel in dashboard["panels"])
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    rules = yaml.safe_load((DEPLOY / "prometheus" / "headrace.rules.yml").read_text("utf-8"))
    for rule in rules["groups"][0]["rules"]:
        assert {"alert", "expr", "for", "labels", "annotations"} <= rule.keys()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_accepts_the_rules() -> None:
    rules = DEPLOY / "prometheus" / "headrace.rules.yml"
    subprocess.run(["promtool", "check", "rules", rules], check=True, capture_output=True)


def test_status_goes_on_until_it_is_interrupted(seen: Seen) -> None:
    command = seen.desk.start("status", "--watch")
    assert command.process.stdout is not None
    first = command.process.stdout.readline()
    assert first.startswith("1 organisation: ")
    command.process.send_signal(signal.SIGINT)
    done = command.communicated()
    assert done.returncode == 130
