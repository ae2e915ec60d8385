"""Many organisations in one project file, each with a small book and its own place in a hub."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from desk import Command, Desk, execute
from shop import Shop

from headrace.testkit.hub import RunningHub

_DEFAULTS = """\
[defaults]
every = "{every}"
target = {{ url = "env:HEADRACE_URL", rate = 1000000 }}
source = {{ kind = "sql" }}

[organisation]
"""
_LINE = (
    '{name} = {{ source = {{ url = "sqlite:///{name}.db" }}, '
    'target = {{ key = "file:keys/{name}.key", secret = "file:keys/{name}.secret" }} }}\n'
)


class Fleet:
    """`names` are the organisations; each has a customer C and an invoice I."""

    def __init__(
        self, folder: Path, hub: RunningHub, names: list[str], prefix: str, every: str = "1h"
    ) -> None:
        self.folder = folder
        self.names: list[str] = []
        self._hub = hub
        self._prefix = prefix
        shop = Shop(folder)
        shop.customer("C")
        shop.invoice("I", "C", 1000)
        shop.close()
        (folder / "shop.db").rename(folder / "book.db")
        (folder / "keys").mkdir()
        self.toml = folder / "headrace.toml"
        self.toml.write_text(_DEFAULTS.format(every=every), encoding="utf-8")
        for name in names:
            self.add(name)
        self.desk = Desk(folder, hub.url, "", "")

    def add(self, name: str) -> None:
        """One more, in the hub and in the file."""
        pair = self._hub.add_organisation(f"{self._prefix}-{name}")
        shutil.copy(self.folder / "book.db", self.folder / f"{name}.db")
        (self.folder / "keys" / f"{name}.key").write_text(pair.key + "\n", encoding="utf-8")
        (self.folder / "keys" / f"{name}.secret").write_text(pair.secret + "\n", encoding="utf-8")
        with self.toml.open("a", encoding="utf-8") as file:
            file.write(_LINE.format(name=name))
        self.names.append(name)

    def remove(self, name: str) -> None:
        """Takes its line out of the file."""
        lines = self.toml.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(f"{name} = ")]
        self.toml.write_text("".join(kept), encoding="utf-8")

    def execute(self, name: str, *statements: str) -> None:
        """Changes the book of one."""
        execute(self.folder / f"{name}.db", *statements)

    def data(self, name: str) -> Path:
        """Where its book and journal lie."""
        return self.folder / ".headrace" / name

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command, in this process."""
        return self.desk.command(*words)

    def start(self, *words: str) -> Command:
        """A command as a process of its own."""
        return self.desk.start(*words)

    def told(self, *words: str) -> dict[str, Any]:
        """The last JSON document of each organisation."""
        text = self.command(*words, "--json").stdout
        documents = json.loads(text) if text.startswith("[") else map(json.loads, text.splitlines())
        return {document["organisation"]: document for document in documents}

    def sent(self, name: str) -> list[str]:
        """External ids that the hub took from one."""
        return [
            str(record.external_id)
            for record in self._hub.requests()
            if record.organisation == f"{self._prefix}-{name}"
            and record.method != "GET"
            and record.status in (200, 201, 204)
        ]
