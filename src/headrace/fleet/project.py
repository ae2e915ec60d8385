"""The project on disk: `headrace.toml`, its secrets and its organisations."""

from __future__ import annotations

import difflib
import fnmatch
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from headrace.fleet.giving_way import asking_for
from headrace.fleet.register.members import organisations_of
from headrace.fleet.secrets import resolve
from headrace.model.clock import Clock
from headrace.model.errors import Busy, ConfigurationError
from headrace.model.project import OrganisationSettings, Project
from headrace.model.project_file import parse_project
from headrace.model.secret_text import check_database_url, check_key, check_target
from headrace.model.source_settings import SYSTEM, SourceSettings
from headrace.sources.programs.extraction import with_token_file
from headrace.sync.connection import Keys
from headrace.sync.journal import SCHEMES, Place, PostgresPlace
from headrace.sync.session import Organisation
from headrace.systems.catalogue import extraction_folder, models_folder, with_queries
from headrace.systems.token_file import token_file

FILE_NAME = "headrace.toml"
_TARGET = "{target}"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LISTED = 20


class LoadedProject(Struct, frozen=True):
    """A project's settings, with the folder to which their paths are relative."""

    folder: Path
    settings: Project

    def joined(self, more: Mapping[str, OrganisationSettings]) -> LoadedProject:
        """Return the project with more organisations; those in the file take precedence."""
        organisations = {**more, **self.settings.organisation}
        return LoadedProject(
            self.folder, msgspec.structs.replace(self.settings, organisation=organisations)
        )

    def names(self, chosen: Sequence[str] | None = None) -> list[str]:
        """Return the organisations, in the file's order.

        `chosen` are names and patterns (`shop*`); None or empty for all. Raises ConfigurationError
        for one that matches no organisation.
        """
        names = list(self.settings.organisation)
        if not chosen:
            return names
        found: set[str] = set()
        for pattern in chosen:
            matches = fnmatch.filter(names, pattern)
            if not matches:
                near = difflib.get_close_matches(pattern, names, 1)
                hint = f" Did you mean {near[0]}?" if near else ""
                raise ConfigurationError(
                    f"{FILE_NAME} has no [organisation.{pattern}]{'.' if hint else ': there is '}"
                    f"{hint or _listed(names) + '.'}"
                )
            found.update(matches)
        return [name for name in names if name in found]

    def only(self, chosen: Sequence[str] | None) -> str:
        """Return the only organisation that matches. Raises ConfigurationError if several do."""
        names = self.names(chosen)
        if len(names) > 1:
            meant = f"{' '.join(chosen)} matches" if chosen else f"{FILE_NAME} has"
            raise ConfigurationError(
                f"{meant} several organisations, but this command works on one: choose it with "
                f"--organisation ({_listed(names)})."
            )
        return names[0]

    def data_folder(self, name: str, environment: Mapping[str, str] = os.environ) -> Path:
        """Return the folder of the organisation's book, and of its journal if that is a file.

        `{target}` in `data` stands for the API's address. One project file with the address in the
        environment can then serve staging and production, each with its own data and journal.
        """
        data = self.settings.data
        if _TARGET in data:
            data = data.replace(_TARGET, self._target_name(name, environment))
        return self.folder / data / name

    def _target_name(self, name: str, environment: Mapping[str, str]) -> str:
        """Return the API's host and port, as a valid name of a folder."""
        url = self._target_url(name, environment)
        return re.sub(r"[^A-Za-z0-9._-]+", "_", urlsplit(url).netloc)

    def _target_url(self, name: str, environment: Mapping[str, str]) -> str:
        where = f"[organisation.{name}] target.url"
        written = self.settings.organisation[name].target.url
        url = resolve(written, where, self.folder, environment)
        if not url.startswith(("http://", "https://")):
            raise ConfigurationError(f"{where} must start with https:// or http://.")
        check_target(url, where)
        return url

    @property
    def at_once(self) -> int:
        """Maximum number of organisations that are open at a time."""
        return self.settings.at_once or os.cpu_count() or 1

    def book_file(self, name: str) -> Path:
        """Return the file of the organisation's book, which is a cache."""
        return self.data_folder(name) / "cache.duckdb"

    def worked_at(self, name: str) -> float:
        """Return the approximate time of the last work, in seconds since 1970; 0 for never."""
        times = [0.0]
        for file in ("journal.db", "cache.duckdb"):
            with suppress(OSError):
                times.append((self.data_folder(name) / file).stat().st_mtime)
        return max(times)

    def journal_place(self, name: str, environment: Mapping[str, str] = os.environ) -> Place:
        """Return the location of the journal. Raises ConfigurationError for an invalid setting."""
        which = "journal" if self.settings.journal or not self.settings.state else "state"
        if not getattr(self.settings, which):
            return self.data_folder(name, environment) / "journal.db"
        url = self._database_url(which, environment)
        apart = _TARGET in self.settings.data
        return PostgresPlace(url, name, self._target_name(name, environment) if apart else "")

    def state_url(self, environment: Mapping[str, str] = os.environ) -> str:
        """Return the address of the database that workers share; empty if there is none.

        Raises ConfigurationError for an invalid setting.
        """
        return self._database_url("state", environment) if self.settings.state else ""

    def _database_url(self, which: str, environment: Mapping[str, str]) -> str:
        where = f"{FILE_NAME} {which}"
        url = resolve(getattr(self.settings, which), where, self.folder, environment)
        if not url.startswith(SCHEMES):
            raise ConfigurationError(f"{where} must be a postgresql:// URL, or empty.")
        check_database_url(url, where)
        return url

    def open(
        self,
        name: str,
        clock: Clock,
        environment: Mapping[str, str] = os.environ,
        may_send: Callable[[], None] = lambda: None,
    ) -> Organisation:
        """Open one organisation with its secrets resolved; see `HttpTransport` for `may_send`.

        Raises ConfigurationError or Busy.
        """
        settings, keys = self.resolved(name, environment)
        place = self.journal_place(name, environment)
        data = self.data_folder(name, environment)
        with asking_for(data) as ask:
            while True:
                try:
                    return Organisation(
                        name, settings, keys, self.folder, data, clock, place, may_send
                    )
                except Busy:
                    # `headrace run` keeps books open between rounds, and closes them on request.
                    if not ask.again():
                        raise

    def open_aside(
        self, name: str, clock: Clock, data: Path, environment: Mapping[str, str] = os.environ
    ) -> Organisation:
        """Open one organisation to be read, with a book of its own in the folder `data`, also while
        another process delivers. Raises ConfigurationError."""
        settings, keys = self.resolved(name, environment)
        place = self.journal_place(name, environment)
        return Organisation(name, settings, keys, self.folder, data, clock, place, None)

    def resolved(
        self, name: str, environment: Mapping[str, str] = os.environ
    ) -> tuple[OrganisationSettings, Keys]:
        """Return the organisation's settings and keys; secret files are read again each time.

        Raises ConfigurationError.
        """
        settings = self.settings.organisation[name]
        where = f"[organisation.{name}]"
        url = self._target_url(name, environment)
        keys = Keys(
            resolve(settings.target.key, f"{where} target.key", self.folder, environment),
            resolve(settings.target.secret, f"{where} target.secret", self.folder, environment),
        )
        check_key(keys.key, f"{where} target.key")
        check_key(keys.secret, f"{where} target.secret")
        settings = msgspec.structs.replace(
            settings,
            target=msgspec.structs.replace(settings.target, url=url),
            source=self.source(name, environment),
        )
        return settings, keys

    def source(self, name: str, environment: Mapping[str, str] = os.environ) -> SourceSettings:
        """Return the organisation's source with its secrets resolved, and with the queries of the
        system whose models it uses. Raises ConfigurationError."""
        settings = self.settings.organisation[name]
        where = f"[organisation.{name}] source"
        source = self._resolved_source(settings.source, where, environment, name)
        tables = with_queries(settings.models, source.tables, settings.parameters)
        return msgspec.structs.replace(source, tables=tables)

    def models(self, name: str) -> Path:
        """Return the folder of the organisation's models. Raises ConfigurationError."""
        return models_folder(self.settings.organisation[name].models, self.folder)

    def _resolved_source(
        self, source: SourceSettings, where: str, environment: Mapping[str, str], what: str
    ) -> SourceSettings:
        url = resolve(source.url, f"{where}.url", self.folder, environment)
        if source.kind == "sql" and not url.startswith(("sqlite:", "duckdb:")):
            check_database_url(url, f"{where}.url")
        path = source.path
        options = self._resolved_options(source.options, f"{where}.options", environment)
        if source.kind.startswith(SYSTEM):
            system = extraction_folder(source.kind)
            path = str(system)
            # Not in the folder of one target: the account is the same for all of them.
            data = self.folder / self.settings.data.partition(_TARGET)[0]
            options = with_token_file(system, options, token_file(data, what, system.name))
        more = {
            name: self._resolved_source(other, f"{where}.{name}", environment, f"{what}.{name}")
            for name, other in source.more.items()
        }
        return msgspec.structs.replace(source, url=url, path=path, options=options, more=more)

    def _resolved_options(self, value: Any, where: str, environment: Mapping[str, str]) -> Any:
        """Return options with every text in them resolved, also in lists and tables."""
        if isinstance(value, str):
            return resolve(value, where, self.folder, environment)
        if isinstance(value, dict):
            return {
                key: self._resolved_options(inner, f"{where}.{key}", environment)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self._resolved_options(inner, where, environment) for inner in value]
        return value

    def settings_of(self, name: str) -> OrganisationSettings:
        """Return the organisation's settings as written, with secrets unresolved."""
        return self.settings.organisation[name]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def load_project(path: Path) -> LoadedProject:
    """Read a project file, or the one in a folder, with the organisations of the register if the
    setting `state` names one. Raises ConfigurationError."""
    loaded = load_file(path)
    url = loaded.state_url()
    return loaded.joined(organisations_of(loaded.settings, url)) if url else loaded


def load_file(path: Path) -> LoadedProject:
    """Read a project file, or the one in a folder, alone. Raises ConfigurationError."""
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
        check_name(name, file.name)
    return LoadedProject(file.parent.resolve(), settings)


def check_name(name: str, where: str) -> None:
    """Raise ConfigurationError unless an organisation may have this name."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{where}: the organisation's name {name!r} must be letters, digits, '.', '_' and '-' "
            "only, because a folder has the same name."
        )
