"""What each kind of source can do, for `headrace sources` and the documentation."""

from __future__ import annotations

import importlib.util

from msgspec import Struct


class Ability(Struct, frozen=True):
    """One kind of system that headrace reads."""

    name: str
    setting: str
    """How the project file names it."""
    moment: str
    """Whether all tables of a round show the same moment."""
    changes: str
    """What it reads in a round after which nothing, or little, has changed."""
    extra: str = ""
    """What must be installed in addition, as `headrace[extra]`."""
    module: str = ""
    """The module that the extra brings."""
    tried: bool = True
    """Whether the tests read a real system of this kind; else it is written by the documentation of
    its driver, and tested with a stand-in."""

    @property
    def installed(self) -> bool:
        """Whether what it needs is installed."""
        try:
            return not self.module or importlib.util.find_spec(self.module) is not None
        except ModuleNotFoundError:
            return False


def _api(name: str, system: str, changes: str) -> Ability:
    """Return the ability of a system that is read by its API, tried with a stand-in only."""
    return Ability(name, f'kind = "system:{system}"', "list by list", changes, tried=False)


_ALL = "everything"
_MARK = "nothing if no file changed, else everything"
_CURSOR = "everything, or what is new by a cursor; a sweep"
_SQLALCHEMY = "one transaction, if the database has them"

ABILITIES = (
    Ability("SQLite", "sqlite:///FILE", "one transaction", _MARK),
    Ability(
        "PostgreSQL", "postgresql://", "one snapshot", _CURSOR, "postgres", "adbc_driver_postgresql"
    ),
    Ability("MySQL, MariaDB", "mysql://", "one snapshot", _CURSOR, "mysql", "asyncmy"),
    Ability("DuckDB", "duckdb:///FILE", "one transaction", _MARK),
    Ability("SQL Server", "mssql+…://", _SQLALCHEMY, _ALL, "mssql", "pymssql", tried=False),
    Ability("Oracle", "oracle+…://", _SQLALCHEMY, _ALL, "oracle", "oracledb", tried=False),
    Ability(
        "Snowflake",
        "snowflake://",
        _SQLALCHEMY,
        _ALL,
        "snowflake",
        "snowflake.sqlalchemy",
        tried=False,
    ),
    Ability(
        "BigQuery", "bigquery://", _SQLALCHEMY, _ALL, "bigquery", "sqlalchemy_bigquery", tried=False
    ),
    Ability(
        "others by SQLAlchemy", "DIALECT+DRIVER://", _SQLALCHEMY, _ALL, "sqlalchemy", "sqlalchemy"
    ),
    Ability("CSV, JSON, Parquet files", 'kind = "files"', "files that stand still", _MARK),
    Ability("Excel files", 'kind = "files"', "files that stand still", _MARK, "excel", "fastexcel"),
    Ability(
        "files at an address",
        'kind = "files"',
        "files that stand still",
        "nothing if no ETag, size or time changed",
        "s3",
        "s3fs",
    ),
    Ability("own generators", 'kind = "python"', "what the code gives", _CURSOR),
    Ability(
        "Singer taps", 'kind = "singer"', "what the tap gives", "what is new, with state; a sweep"
    ),
    Ability("Odoo", 'kind = "system:odoo"', "table by table", "what is new, and all ids; a sweep"),
    Ability(
        "Tryton", 'kind = "system:tryton"', "table by table", "what is new, and all ids; a sweep"
    ),
    Ability("Stripe", 'kind = "system:stripe"', "object by object", "its events; a sweep"),
    _api("Chargebee", "chargebee", "what was updated; a sweep"),
    _api("FreshBooks", "freshbooks", "what was updated in two days; a sweep"),
    _api("NetSuite", "netsuite", "what was modified in two days; a sweep"),
    _api("QuickBooks Online", "quickbooks_api", "its change data capture; a sweep"),
    _api("Recurly", "recurly_api", "what was updated; a sweep"),
    _api("Sage Intacct", "sage_intacct", "what was modified in two days; a sweep"),
    _api("Xero", "xero_api", "what was modified; a sweep"),
    _api("Zuora", "zuora_api", "what was updated; a sweep"),
    Ability("APIs", 'kind = "rest"', "page by page", _CURSOR, "rest", "dlt"),
)
