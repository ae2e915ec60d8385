"""The second look: reads differing records once more by themselves before they are reported.

The lists change while their pages are read, so a comparison of lists alone would report differences
that never existed.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from headrace.model.repeated import run
from headrace.sync.remote.api_side import ApiSide

LOOK_UPS = 300
"""Maximum number of documents to read by their ids: half a minute at Upflow's rate limit."""
CUSTOMERS = 30
"""Maximum number of customers whose stated balance and documents are read again."""
_ROUNDS = 3

_ACCUSED = """
select entity, external_id, api_id
from plan.compared_documents as document
-- Records that were never acknowledged need no second look.
where api_id is not null or exists (
    select 1 from staging.acknowledged as acknowledged
    where acknowledged.entity = document.entity and acknowledged.external_id = document.external_id
)
order by abs(book - api) desc, entity, external_id
"""


class SecondLook:
    """Reads differing records again and repeats the comparison, within limits.

    Ends when every difference was looked at, or when there are too many. Raises whatever the reader
    raises.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, api: ApiSide, compare: Callable[[], None]
    ) -> None:
        """`compare` creates the tables of the comparison again."""
        self._connection = connection
        self._api = api
        self._compare = compare
        self._documents: set[tuple[str, str]] = set()
        self._customers: set[str] = set()
        self.unsettled: set[str] = set()
        """Customers that changed each time they were read."""

    @property
    def taken(self) -> int:
        """Number of documents and customers that were read again."""
        return len(self._documents) + len(self._customers)

    async def take(self) -> int:
        """Read as many as the limits allow; returns how many documents and customers remain."""
        await self._look_at_documents()
        left = await self._look_at_balances()
        return left + await self._look_at_documents()

    async def _look_at_documents(self) -> int:
        for _ in range(_ROUNDS):
            accused = self._accused()
            chosen = accused[: LOOK_UPS - len(self._documents)]
            if not chosen:
                return len(accused)
            for entity, name, id in chosen:
                await self._api.read_again(entity, name, id)
                self._documents.add((entity, name))
            self._compare()
        return len(self._accused())

    def _accused(self) -> list[tuple[str, str, str | None]]:
        rows = run(self._connection, _ACCUSED).fetchall()
        return [row for row in rows if (row[0], row[1]) not in self._documents]

    async def _look_at_balances(self) -> int:
        """Read customers again whose balance differs from the sum of the API's own documents."""
        for _ in range(_ROUNDS):
            accused = [
                row[0]
                for row in self._connection.execute(
                    "select distinct customer from plan.compared_statements order by all"
                ).fetchall()
            ]
            again = [one for one in accused if one in self.unsettled]
            fresh = [one for one in accused if one not in self._customers]
            chosen = again + fresh[: CUSTOMERS - len(self._customers)]
            if not chosen:
                return len(fresh)
            for customer in chosen:
                self._customers.add(customer)
                if await self._api.read_customer(customer):
                    self.unsettled.discard(customer)
                else:
                    self.unsettled.add(customer)
            self._compare()
        return len(fresh)
