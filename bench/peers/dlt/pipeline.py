"""Everything to Upflow through a custom destination, parents before what refers to them.

Run: python pipeline.py QUERIES, a folder; with PARALLEL set, several files of an entity at a time.
"""

import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
from dlt.common.schema import TTableSchema
from dlt.common.typing import TDataItems
from dlt.sources.helpers import requests

PARALLEL = int(os.environ.get("PARALLEL", "0"))
STEPS = (
    ("customers", "where not is_child"),
    ("customers", "where is_child"),
    ("invoices", ""),
    ("credit_notes", ""),
    ("payments", ""),
    ("refunds", ""),
)


@dlt.destination(
    batch_size=1,
    name="upflow",
    max_parallel_load_jobs=PARALLEL or None,
    loader_parallelism_strategy="parallel" if PARALLEL else None,
)
def upflow(
    items: TDataItems,
    table: TTableSchema,
    url: str = dlt.config.value,
    key: str = dlt.secrets.value,
    secret: str = dlt.secrets.value,
) -> None:
    headers = {"X-Api-Key": key, "X-Api-Secret": secret, "Content-Type": "application/json"}
    for item in items:
        # dlt's own requests: it retries 429 and 5xx.
        requests.post(f"{url}/{table['name']}", data=item["payload"].encode(), headers=headers)


def rows(entity: str, condition: str) -> Iterator[dict[str, Any]]:
    query = Path(sys.argv[1], f"{entity}.sql").read_text(encoding="utf-8")
    database = sqlite3.connect(os.environ["BILLING_DATABASE"])
    database.row_factory = sqlite3.Row
    for row in database.execute(f"select external_id, payload from ({query}) {condition}"):
        yield dict(row)
    database.close()


def main() -> None:
    pipeline = dlt.pipeline("receivables", destination=upflow, pipelines_dir=".dlt-pipelines")
    for entity, condition in STEPS:
        pipeline.run(dlt.resource(rows(entity, condition), name=entity))


if __name__ == "__main__":
    main()
