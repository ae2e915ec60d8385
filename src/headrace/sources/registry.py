"""Creates a project's source from its settings: the one place that lists the kinds of source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from headrace.model.errors import ConfigurationError
from headrace.model.source_settings import SYSTEM, SourceSettings
from headrace.sources.databases.duckdb_file import DuckdbSource
from headrace.sources.databases.incremental import IncrementalSource
from headrace.sources.databases.mysql import MysqlSource
from headrace.sources.databases.postgres import PostgresSource
from headrace.sources.databases.sqlalchemy_source import SqlalchemySource
from headrace.sources.databases.sqlite import SqliteSource
from headrace.sources.files.folder import FileSource, folders_read
from headrace.sources.files.places import LocalFolder, RemoteFolder
from headrace.sources.files.settled import STILL_S
from headrace.sources.foreign import Factory, foreign_source
from headrace.sources.programs.extraction import ExtractionSource
from headrace.sources.programs.python_source import PythonSource
from headrace.sources.programs.rest_source import RestSource
from headrace.sources.several import SeveralSources
from headrace.sources.source import Source
from headrace.sources.taps.singer import SingerSource


def _files(settings: SourceSettings, folder: Path) -> Source:
    place = (
        RemoteFolder(settings.path, settings.options)
        if "://" in settings.path
        else LocalFolder(folder.absolute() / settings.path)
    )
    forms = {name.lower(): form for name, form in settings.formats.items()}
    return FileSource(place, _queries(settings), settings.format, forms, settings.done, STILL_S)


def _sql(settings: SourceSettings, folder: Path) -> Source:
    source = _database(settings, folder)
    if not settings.incremental:
        return source

    def reopen(queries: Mapping[str, str]) -> Source:
        more = msgspec.structs.replace(settings, tables=settings.tables | dict(queries))
        return _database(more, folder)

    zone = "+00" if isinstance(source, PostgresSource) else ""
    cursors = {name.lower(): one for name, one in settings.incremental.items()}
    return IncrementalSource(source, cursors, _queries(settings), zone, reopen)


def _database(settings: SourceSettings, folder: Path) -> Source:
    scheme, separator, rest = settings.url.partition("://")
    if scheme == "sqlite" and separator:
        return SqliteSource(folder / rest.removeprefix("/"), _queries(settings))
    if scheme == "duckdb" and separator:
        return DuckdbSource(folder / rest.removeprefix("/"), settings.schema, _queries(settings))
    if scheme in ("postgresql", "postgres") and separator:
        return PostgresSource(settings.url, settings.schema, _queries(settings))
    if scheme.partition("+")[0] in ("mysql", "mariadb") and separator:
        return MysqlSource(settings.url, settings.schema, _queries(settings))
    # A driver that is named, such as postgresql+psycopg, is SQLAlchemy's.
    if separator and ("+" in scheme or scheme in SQLALCHEMY):
        return SqlalchemySource(settings.url, settings.schema, _queries(settings))
    raise ConfigurationError(
        f"source.url starts with {scheme or 'nothing'}: write sqlite:///FILE, "
        "postgresql://USER:PASSWORD@HOST/DATABASE or mysql://USER:PASSWORD@HOST/DATABASE, or "
        'export the tables and use kind = "files".'
        if separator
        else "source.url is not an address: write sqlite:///FILE or postgresql://HOST/DATABASE."
    )


def _python(settings: SourceSettings, folder: Path) -> Source:
    return PythonSource(folder.absolute() / settings.path, settings.options, settings.incremental)


def _singer(settings: SourceSettings, folder: Path) -> Source:
    return SingerSource(folder.absolute(), settings.path, settings.options)


def _rest(settings: SourceSettings, folder: Path) -> Source:
    return RestSource(settings.options, settings.incremental)


SQLALCHEMY = frozenset(
    {
        *("mssql", "oracle", "snowflake", "bigquery", "redshift", "db2", "ibm_db_sa", "firebird"),
        *("hana", "teradatasql", "trino", "clickhouse", "clickhousedb", "databricks"),
        *("cockroachdb", "exa", "informix", "sybase", "vertica"),
    }
)
"""Dialects that SQLAlchemy or packages for it bring."""


def _system(settings: SourceSettings, folder: Path) -> Source:
    options = dict(settings.options)
    if "auth_file" in options:
        options["auth_file"] = str(folder.absolute() / str(options["auth_file"]))
    return ExtractionSource(Path(settings.path), options, _queries(settings))


KINDS: dict[str, Factory] = {
    "sql": _sql,
    "files": _files,
    "python": _python,
    "singer": _singer,
    "rest": _rest,
}
"""The kinds that are shipped; other packages may add more."""


def open_source(settings: SourceSettings, folder: Path) -> Source:
    """Create the source that `settings` describe; relative paths start at `folder`.

    `settings.url` must be the resolved address, not `env:NAME`. Nothing is connected yet. Raises
    ConfigurationError for an unknown kind, and for a database without a driver.
    """
    known = _system if settings.kind.startswith(SYSTEM) else foreign_source
    main = KINDS.get(settings.kind, known)(settings, folder) if settings.kind else None
    others = {name.lower(): open_source(other, folder) for name, other in settings.more.items()}
    return main if main is not None and not others else SeveralSources(main, others)


def _queries(settings: SourceSettings) -> dict[str, str]:
    return {name.lower(): text for name, text in settings.tables.items()}


def readable_folders(settings: SourceSettings, folder: Path) -> list[Path]:
    """Return the folders whose files DuckDB reads for this source; none for a database."""
    if settings.more:
        alone = msgspec.structs.replace(settings, more={}) if settings.kind else None
        parts = [*([alone] if alone else []), *settings.more.values()]
        return [path for part in parts for path in readable_folders(part, folder)]
    if settings.kind != "files" or "://" in settings.path:
        return []
    return folders_read(folder.absolute() / settings.path, settings.tables.values())
