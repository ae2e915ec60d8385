"""Writes a drafted project: the configuration, the models, an example of the environment, and a
README that says what was assumed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from headrace.drafting.answers import Question
from headrace.drafting.place import Place
from headrace.drafting.select import UNFINISHED
from headrace.model.errors import ConfigurationError
from headrace.model.private_files import make_folder
from headrace.systems.catalogue import System

ALWAYS = ("headrace.toml", ".env.example", "README.md")
"""Files of every project."""


class Draft(Struct, frozen=True, kw_only=True):
    """A project before it is written."""

    organisation: str
    place: Place
    models: dict[str, str]
    """The text of each model by its name."""
    questions: Sequence[Question] = ()
    answers: Mapping[str, str] = {}
    system: System | None = None

    def files(self) -> dict[str, str]:
        """Return the text of each file by its path in the project's folder."""
        return {
            "headrace.toml": self._configuration(),
            ".env.example": self._environment(),
            "README.md": self._readme(),
            **{f"models/{name}.sql": text for name, text in self.models.items()},
        }

    def unfinished(self) -> list[str]:
        """Return the models in which something is left to do."""
        return [name for name, text in self.models.items() if UNFINISHED in text]

    def _configuration(self) -> str:
        head = f"[organisation.{self.organisation}]\n"
        lines = [
            "# Written by `headrace init`. Every setting: docs/configuration.md.",
            "",
            head + "# Secrets never stand in this file: `.env.example` lists what is needed.",
            'target = { url = "env:HEADRACE_URL", key = "env:HEADRACE_KEY", '
            'secret = "env:HEADRACE_SECRET" }',
            "",
            f"[organisation.{self.organisation}.source]",
            *(f"{key} = {_toml(value)}" for key, value in self.place.written.items()),
        ]
        if self.system and self.system.tables:
            lines += ["", f"# Queries that the models of {self.system.title} read."]
            lines.append(f"[organisation.{self.organisation}.source.tables]")
            lines += [
                f"{name} = '''\n{sql.strip()}\n'''" for name, sql in self.system.tables.items()
            ]
        return "\n".join(lines) + "\n"

    def _environment(self) -> str:
        lines = [
            "# Copy to .env, fill in, and load it: set -a; . ./.env; set +a",
            "# Upflow's address, or that of a hub of your own (`headrace serve`).",
            "HEADRACE_URL=https://api.upflow.io/v1",
            "HEADRACE_KEY=",
            "HEADRACE_SECRET=",
        ]
        if self.place.variables:
            lines += ["# The source, for reading only."]
            lines += [f"{name}=" for name in self.place.variables]
        return "\n".join(lines) + "\n"

    def _readme(self) -> str:
        lines = [f"# {self.organisation}", ""]
        if self.system:
            lines += [
                f"The models are those of {self.system.title}, read from {self.system.reads}.",
                "Change them where your installation differs.",
                "",
            ]
        if self.questions:
            lines += ["What the models assume, and what that rests on:", ""]
            for question in self.questions:
                answer = self.answers.get(question.name, "") or "-"
                lines.append(f"- {question.text} **{answer}** ({question.seen})")
            lines.append("")
        if todo := self.unfinished():
            named = ", ".join(f"`models/{name}.sql`" for name in todo)
            lines += [f"Left to do, marked `{UNFINISHED}`: {named}.", ""]
        lines += [
            "Next:",
            "",
            "1. `headrace check` tries everything and sends nothing.",
            "2. `headrace test` runs the unit tests of the models.",
            "3. `headrace plan` shows what `headrace apply` would send.",
        ]
        return "\n".join(lines) + "\n"


def _toml(value: str | Mapping[str, str]) -> str:
    """Return a text, or an inline table of texts, as TOML."""
    if isinstance(value, str):
        return json.dumps(value)
    return "{ " + ", ".join(f"{key} = {json.dumps(text)}" for key, text in value.items()) + " }"


def check_free(folder: Path, names: Iterable[str]) -> None:
    """Raise ConfigurationError if one of the files exists."""
    for name in names:
        if (folder / name).exists():
            raise ConfigurationError(
                f"{folder / name} exists: choose another folder with --to, or write over it with "
                "--force."
            )


def write_project(folder: Path, files: Mapping[str, str], *, force: bool) -> None:
    """Write the files. Without `force`, raises ConfigurationError if one of them exists, and
    writes none."""
    if not force:
        check_free(folder, files)
    make_folder(folder)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
