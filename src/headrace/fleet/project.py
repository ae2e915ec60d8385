"""The project on disk: `headrace.toml`, its secrets, and the organisations that it names."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError
from headrace.model.project import OrganisationSettings, Project, parse_project
from headrace.model.secret_text import check_database_url, check_key, check_target, trimmed
from headrace.sync.connection import Keys
from headrace.sync.journal import SCHEMES, Place, PostgresPlace
from headrace.sync.organisation import Organisation

FILE_NAME = "headrace.toml"
_TARGET = "{target}"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class LoadedProject(Struct, frozen=True):
    """The settings, with the folder that their relative paths start from."""

    folder: Path
    settings: Project

    def names(self, chosen: str | None = None) -> list[str]:
        """The organisations to work on; ConfigurationError for one that is not there."""
        names = list(self.settings.organisation)
        if chosen is None:
            return names
        if chosen not in names:
            raise ConfigurationError(
                f"{FILE_NAME} has no [organisation.{chosen}]: there is {', '.join(names)}."
            )
        return [chosen]

    def only(self, chosen: str | None) -> str:
        """The one organisation meant; ConfigurationError when several could be."""
        names = self.names(chosen)
        if len(names) > 1:
            raise ConfigurationError(
                f"{FILE_NAME} has several organisations: choose one with --organisation "
                f"({', '.join(names)})."
            )
        return names[0]

    def data_folder(self, name: str, environment: Mapping[str, str] = os.environ) -> Path:
        """Where the organisation's book lies, and its journal unless that is in a database.

        `{target}` in `data` stands for the API's address, so that staging and production, one
        config with the address in the environment, have data of their own.
        """
        data = self.settings.data
        if _TARGET in data:
            url = self._target_url(name, environment)
            data = data.replace(_TARGET, re.sub(r"[^A-Za-z0-9._-]+", "_", urlsplit(url).netloc))
        return self.folder / data / name

    def _target_url(self, name: str, environment: Mapping[str, str]) -> str:
        where = f"[organisation.{name}] target.url"
        return resolve(self.settings.organisation[name].target.url, where, self.folder, environment)

    def journal_place(self, name: str, environment: Mapping[str, str] = os.environ) -> Place:
        """Where the organisation's journal is; ConfigurationError for what is no such place."""
        setting = self.settings.journal
        if not setting:
            return self.data_folder(name, environment) / "journal.db"
        url = resolve(setting, f"{FILE_NAME} journal", self.folder, environment)
        if not url.startswith(SCHEMES):
            raise ConfigurationError(f"{FILE_NAME} journal must be a postgresql:// URL, or empty.")
        check_database_url(url, f"{FILE_NAME} journal")
        return PostgresPlace(url, name)

    def open(
        self, name: str, clock: Clock, environment: Mapping[str, str] = os.environ
    ) -> Organisation:
        """Opens one organisation with its secrets resolved. ConfigurationError, Busy."""
        settings = self.settings.organisation[name]
        where = f"[organisation.{name}]"
        url = self._target_url(name, environment)
        if not url.startswith(("http://", "https://")):
            raise ConfigurationError(f"{where} target.url must start with https:// or http://.")
        check_target(url, f"{where} target.url")
        keys = Keys(
            resolve(settings.target.key, f"{where} target.key", self.folder, environment),
            resolve(settings.target.secret, f"{where} target.secret", self.folder, environment),
        )
        check_key(keys.key, f"{where} target.key")
        check_key(keys.secret, f"{where} target.secret")
        source = resolve(settings.source.url, f"{where} source.url", self.folder, environment)
        if not source.startswith("sqlite:"):
            check_database_url(source, f"{where} source.url")
        settings = msgspec.structs.replace(
            settings,
            target=msgspec.structs.replace(settings.target, url=url),
            source=msgspec.structs.replace(settings.source, url=source),
        )
        place = self.journal_place(name, environment)
        data = self.data_folder(name, environment)
        return Organisation(name, settings, keys, self.folder, data, clock, place)

    def settings_of(self, name: str) -> OrganisationSettings:
        """The organisation's settings as written."""
        return self.settings.organisation[name]


def load_project(path: Path) -> LoadedProject:
    """Reads `path`, a project file or the folder that holds one. ConfigurationError."""
    file = path / FILE_NAME if path.is_dir() else path
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(
            f"There is no {file}: go to the project's folder, or name it with --project."
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{file} can't be read: {error.strerror}.") from None
    settings = parse_project(text, file.name)
    for name in settings.organisation:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{file.name}: the organisation's name {name!r} must be letters, digits, '.', '_' "
                "and '-' only, for it names a folder."
            )
    return LoadedProject(file.parent.resolve(), settings)


def resolve(text: str, where: str, folder: Path, environment: Mapping[str, str]) -> str:
    """`env:NAME` and `file:PATH` as what they stand for; anything else as it is."""
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        value = environment.get(name, "")
        if not value:
            raise ConfigurationError(
                f"{where} is read from the environment variable {name}, which is not set."
            )
        return trimmed(value, f"{where}, the environment variable {name},")
    if text.startswith("file:"):
        path = folder / text.removeprefix("file:")
        try:
            return trimmed(path.read_text(encoding="utf-8-sig"), f"{where}, the file {path},")
        except OSError as error:
            raise ConfigurationError(
                f"{where} is read from {path}, which can't be read: {error.strerror}."
            ) from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{where} is read from {path}, which is not UTF-8.") from None
    return text
