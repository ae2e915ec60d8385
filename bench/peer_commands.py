"""What a user would run to bring the billing database across, one function for each way."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from environments import python_with
from far_hub import FarHub
from headrace.testkit.billing import write_project

HERE = Path(__file__).parent / "peers"
PLACE = Path(__file__).parent / ".peers"
QUERIES = HERE / "queries"
RATE = 600
FILES = 5
"""As many at a time as Upflow's guide recommends."""


class Site(Struct, frozen=True):
    """Where one of them works: a folder of its own, a copy of the database, and a hub."""

    folder: Path
    database: Path
    hub: FarHub

    @property
    def environment(self) -> dict[str, str]:
        """What all of them are told by."""
        return {
            **os.environ,
            "HOME": str(self.folder),
            "BILLING_DATABASE": str(self.database),
            "UPFLOW_URL": self.hub.url,
            "UPFLOW_KEY": self.hub.key,
            "UPFLOW_SECRET": self.hub.secret,
        }


Command = tuple[list[str], Mapping[str, str]]
"""Words, and what the environment has beside the site's."""


def headrace(site: Site) -> Command:
    project = write_project(site.folder / "project", site.database, rate=RATE)
    keys = {
        "HEADRACE_URL": site.hub.url,
        "HEADRACE_KEY": site.hub.key,
        "HEADRACE_SECRET": site.hub.secret,
    }
    return [sys.executable, "-m", "headrace", "apply", "--project", str(project)], keys


def script(site: Site) -> Command:
    return [str(environment("script")), str(HERE / "script" / "sync.py"), str(QUERIES)], {}


def drt(site: Site) -> Command:
    shutil.copytree(HERE / "drt", site.folder, dirs_exist_ok=True)
    shutil.copytree(QUERIES, site.folder / "syncs" / "models")
    profiles = site.folder / ".drt" / "profiles.yml"
    profiles.parent.mkdir()
    profiles.write_text(f"billing:\n  type: sqlite\n  database: {site.database}\n")
    return [str(environment("drt").parent / "drt"), "run"], {"DO_NOT_TRACK": "1"}


def dlt(site: Site) -> Command:
    settings = {
        "DESTINATION__UPFLOW__URL": site.hub.url,
        "DESTINATION__UPFLOW__KEY": site.hub.key,
        "DESTINATION__UPFLOW__SECRET": site.hub.secret,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
    return [str(environment("dlt")), str(HERE / "dlt" / "pipeline.py"), str(QUERIES)], settings


def dlt_parallel(site: Site) -> Command:
    """Files of 20 rows: its loader shares out files, and writes one an entity unless told."""
    words, settings = dlt(site)
    rotation = {"DATA_WRITER__FILE_MAX_ITEMS": "20", "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": "20"}
    return words, {**settings, **rotation, "PARALLEL": str(FILES)}


def singer(site: Site) -> Command:
    hub = site.hub
    settings = {
        "tap": {"database": str(site.database), "queries": str(QUERIES)},
        "target": {"url": hub.url, "key": hub.key, "secret": hub.secret},
    }
    python, parts = environment("singer"), []
    for name, config in settings.items():
        (site.folder / f"{name}.json").write_bytes(msgspec.json.encode(config))
        program = HERE / "singer" / f"{name}.py"
        parts.append(shlex.join([str(python), str(program), "--config", f"{name}.json"]))
    return ["bash", "-c", f"set -o pipefail; {' | '.join(parts)}"], {}


def environment(name: str) -> Path:
    """The Python with what `peers/NAME/requirements.txt` asks for."""
    return python_with(PLACE / name, "-r", str(HERE / name / "requirements.txt"))


class Peer(Struct, frozen=True):
    """One way to do it."""

    prepare: Callable[[Site], Command]
    """Writes what it needs into the site's folder, and says what a user would run there."""
    environment: str | None = None
    """The folder in `peers` that says what it stands on."""
    as_documented: bool = True
    """Whether its documentation shows it so, for such a destination."""


OURS = "headrace"
PEERS = {
    OURS: Peer(headrace),
    "script": Peer(script, "script"),
    "drt": Peer(drt, "drt"),
    "dlt": Peer(dlt, "dlt"),
    "dlt-parallel": Peer(dlt_parallel, "dlt", as_documented=False),
    "singer": Peer(singer, "singer"),
}
