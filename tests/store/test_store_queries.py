"""Named SQL: the parser, and lists that are read by their index."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.store import queries
from headrace.store.queries import parse_queries
from headrace.store.records.page import Window, plan_scan

FILES = {
    name: getattr(queries, name)
    for name in vars(queries)
    if name.isupper()
    and isinstance(getattr(queries, name), dict)
    and name not in ("SNAPSHOT", "STATISTICS", "ADMISSION", "SEARCH")
}
"""Those that both engines take; SEARCH has parts, which `test_record_search.py` puts together."""


def test_sql_files_have_named_blocks_and_includes() -> None:
    text = "-- columns --\nSELECT a\nFROM t\n\n-- one --\n{columns}\nWHERE b = ?\n"
    assert parse_queries(text) == {
        "columns": "SELECT a\nFROM t",
        "one": "SELECT a\nFROM t\nWHERE b = ?",
    }
    with pytest.raises(KeyError):
        parse_queries("-- one --\n{columns}\n")


@pytest.mark.parametrize("file", FILES)
def test_every_statement_can_be_prepared(db: Any, file: str) -> None:
    conditions = [name for name in FILES[file] if name.startswith("where_")]
    where = " ".join(FILES[file][name] for name in conditions)
    for name, statement in FILES[file].items():
        if ("columns" in name and not statement.startswith("SELECT")) or name in conditions:
            continue
        if name in ("columns", "target_columns"):
            statement += " LIMIT 0"
        statement = statement.replace("COLUMN", "seq").replace("DIRECTION", "DESC")
        statement = statement.replace("CONDITIONS", where)
        count = statement.count("?")
        assert db.execute(f"EXPLAIN {statement}", (None,) * count).fetchall()


INDEXES = """
DOCUMENT by_id document id
DOCUMENT by_external_id document_external
DOCUMENT page_newest document_page
DOCUMENT page_oldest document_page
DOCUMENT page_of_customer_newest document_customer
DOCUMENT page_of_customer_oldest document_customer
CUSTOMER page_newest customer_page
CUSTOMER page_oldest customer_page
CUSTOMER by_external_id customer_external
CUSTOMER open_documents_of_page COVERING INDEX document_open
CUSTOMER open_documents_of_page customer_parent
CUSTOMER count_children customer_parent
COUNTER currencies_of_page customer_parent
CATALOGUE page_newest catalogue_page
CATALOGUE page_oldest catalogue_page
CATALOGUE first catalogue_page
ACTION page_newest action_page
ACTION page_oldest action_page
ACTION page_of_customer_newest action_customer
ACTION page_of_customer_oldest action_customer
ACTION forget_invoice action_invoice
NOTE page_newest note_customer
NOTE page_oldest note_customer
DOCUMENT open_of_family document_customer
DOCUMENT open_of_family customer_parent
RECONCILIATION by_external_id reconciliation_external
RECONCILIATION links allocation_reconciliation
RECONCILIATION delete_links allocation_reconciliation
PORTAL delete_of_customer portal_link_customer
PDF release document_pdf
PDF doom pdf_file_waste
PDF doomed pdf_file_doomed
CUSTOM_FIELD by_external_id custom_field_external
CUSTOM_FIELD page_newest custom_field_page
CUSTOM_FIELD page_oldest custom_field_page
CUSTOM_FIELD labels_of_page custom_key_text
CUSTOM_FIELD key custom_key_text
CUSTOM_FIELD owners COVERING INDEX custom_value_key
CUSTOM_FIELD owners_newest COVERING INDEX custom_value_key
CUSTOM_FIELD owners_oldest COVERING INDEX custom_value_key
CUSTOM_FIELD values_of_page sqlite_autoindex_custom_value
CUSTOM_FIELD fields_of_owner sqlite_autoindex_custom_value
CUSTOM_FIELD delete_values custom_value_field
ALLOCATION own allocation_source
ALLOCATION payments_of_invoice allocation_target
ALLOCATION targets_of_page allocation_source
ALLOCATION payments_of_page allocation_target
"""


@pytest.mark.parametrize("line", INDEXES.strip().splitlines())
def test_frequent_statements_use_their_index(sqlite_db: sqlite3.Connection, line: str) -> None:
    file, name, index = line.split(maxsplit=2)
    statement = FILES[file][name]
    plan = sqlite_db.execute(
        f"EXPLAIN QUERY PLAN {statement}", (1,) * statement.count("?")
    ).fetchall()
    told = "; ".join(row[3] for row in plan)
    assert index in told or (index == "document id" and "sqlite_autoindex_document_1" in told), told
    assert not re.search(r"SCAN (document|allocation|d|a|t|s)\b", told), told
    if name.startswith(("page_", "labels_", "first")):
        # The outer query may order the few rows of the page, the inner one never all of them.
        assert told.count("USE TEMP B-TREE FOR ORDER BY") <= 1, told
    else:
        assert "(organisation=?)" not in told, "all that an organisation has: " + told


@given(total=st.integers(0, 60), offset=st.integers(0, 80), limit=st.integers(1, 70))
def test_a_page_is_the_same_from_either_end_of_the_list(
    total: int, offset: int, limit: int
) -> None:
    newest_first = list(range(total))[::-1]
    scan = plan_scan(Window(offset, limit), total)
    if scan is None:
        assert newest_first[offset : offset + limit] == []
        return
    line = newest_first if scan.newest_first else newest_first[::-1]
    found = line[scan.skip : scan.skip + scan.limit]
    assert (found if scan.newest_first else found[::-1]) == newest_first[offset : offset + limit]
    assert scan.skip <= total // 2 + 1, "never more than half of the list is passed over"
