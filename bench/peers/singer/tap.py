"""A Singer tap of the billing database: one stream per entity, in the order that Upflow needs."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from singer_sdk import Stream, Tap
from singer_sdk import typing as th

ENTITIES = ("customers", "invoices", "credit_notes", "payments", "refunds")


class Query(Stream):
    """The rows of one query."""

    primary_keys = ("external_id",)
    schema = th.PropertiesList(
        th.Property("external_id", th.StringType, required=True),
        th.Property("payload", th.StringType, required=True),
    ).to_dict()

    def get_records(self, context: Any) -> Iterable[dict[str, Any]]:
        query = Path(self.config["queries"], f"{self.name}.sql").read_text(encoding="utf-8")
        database = sqlite3.connect(self.config["database"])
        database.row_factory = sqlite3.Row
        for row in database.execute(query):
            yield {"external_id": row["external_id"], "payload": row["payload"]}
        database.close()


class TapBilling(Tap):
    """The billing database."""

    name = "tap-billing"
    config_jsonschema = th.PropertiesList(
        th.Property("database", th.StringType, required=True),
        th.Property("queries", th.StringType, required=True),
    ).to_dict()

    def discover_streams(self) -> list[Stream]:
        return [Query(self, name=entity) for entity in ENTITIES]

    def load_streams(self) -> list[Stream]:
        # The SDK sorts them by name, and credit notes would come before their customers.
        return sorted(super().load_streams(), key=lambda stream: ENTITIES.index(stream.name))


if __name__ == "__main__":
    TapBilling.cli()
