"""Claiming: applies the judgement about collected records to a plan.

A plan is made in three steps. `look` reads the collected records from the API's lists, as far as
they are new. `settle` judges which of the plan's new payments and refunds are collected money, and
writes the verdicts to `plan.claims` and `plan.awaiting`. `note_sent` records the claims before the
delivery.

Every collected record that decides something has to be up to date. A payment that was refunded or
deleted since the last look would otherwise be claimed, and the API would refuse the claim. So
`look` judges, reads the records that the verdicts depend on once more, and repeats this until all
of these are up to date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

import duckdb
import msgspec
from msgspec import Struct, field

from headrace.client.endpoints import Reader
from headrace.model.entity import BY_NAME
from headrace.model.errors import ApiError, Refused
from headrace.model.project import ClaimRule
from headrace.model.repeated import run
from headrace.sync.collection.claims import Awaiting, Claim, Judge
from headrace.sync.collection.collected import COLLECTED_ENTITIES, Collected, Known, Lists, kept
from headrace.sync.collection.similarity import Booked
from headrace.sync.journal import Decision, Journal, Key

_SQL = {
    name: resources.files("headrace.sync.collection")
    .joinpath("sql", f"{name}.sql")
    .read_text("utf-8")
    for name in ("booked", "claims", "claims_room", "settle_claims")
}


class Verdicts(Struct, kw_only=True):
    """The verdicts about new payments and refunds; empty without new ones."""

    claims: list[Claim] = field(default_factory=list)
    awaiting: list[Awaiting] = field(default_factory=list)
    known: set[Key] = field(default_factory=set)
    """New records that the API already has by external id: a process was killed before the journal
    recorded them."""
    unread: str = ""
    """Why the API's lists could not be read; empty when they were read, or need not be."""


class Claimer:
    """Matches one organisation's new records with collected ones, after the book was compared."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        journal: Journal,
        rule: ClaimRule = "hold",
        days: int = 14,
    ) -> None:
        self._connection = connection
        self._journal = journal
        self._rule = rule
        self._days = days
        self.verdicts = Verdicts()
        """Verdicts of the last judgement."""
        self._known: dict[str, Known] = {}
        run(connection, _SQL["claims"])

    def forget(self) -> None:
        """Discard what was read, because the book has changed since."""
        self._known = {}
        self.verdicts = Verdicts(unread="it was not asked yet")

    def needs_a_look(self) -> bool:
        """Whether the source has a new payment or refund; otherwise nothing need be read."""
        return self._rule != "off" and bool(self._new_entities())

    def _new_entities(self) -> set[str]:
        """Return the entities with new records; synthetic payments are no money and don't count."""
        rows = run(
            self._connection,
            "select distinct entity from plan.differences "
            "where action = 'create' and entity in ('payment', 'refund') "
            "and not starts_with(external_id, 'fix:') "
            "and not starts_with(external_id, 'settlement:')",
        ).fetchall()
        return {entity for (entity,) in rows}

    async def look(self, reader: Reader) -> None:
        """Read the new records of the API's lists, and those that the verdicts depend on.

        Raises ApiError. The records of the journal are used then.
        """
        self.forget()
        if not self.needs_a_look():
            return
        lists = Lists(self._journal, reader)
        new = self._new_entities()
        try:
            payments = await lists.look(BY_NAME["payment"])
            self._known["payment"] = payments
            if payments.records or "refund" in new:
                self._known["refund"] = await lists.look(BY_NAME["refund"])
            await self._look_closer(lists)
        except ApiError as error:
            self.forget()
            self.verdicts.unread = str(error).rstrip(".")
            raise
        self.verdicts.unread = ""

    async def _look_closer(self, lists: Lists) -> None:
        """Read the records that the verdicts depend on, until all of them are up to date."""
        while True:
            found = self._judge()
            stale = {
                entity: ids - self._known[entity].fresh for entity, ids in _involved(found).items()
            }
            if not any(stale.values()):
                return
            for entity, ids in stale.items():
                kind, known = BY_NAME[entity], self._known[entity]
                if len(ids) * kind.page_cap > known.total:
                    self._known[entity] = await lists.look(kind, whole=True)
                else:
                    await lists.look_at(kind, known, sorted(ids))

    def settle(self) -> None:
        """Judge the new records of `plan.changes`, and fill `plan.claims` and `plan.awaiting`."""
        run(self._connection, _SQL["claims"])
        if not self.needs_a_look():
            self.verdicts = Verdicts()
            return
        unread = self.verdicts.unread
        self.verdicts = self._judge()
        self.verdicts.unread = unread
        self._let_go_of_links()
        for claim in self.verdicts.claims:
            self._insert(
                "claims",
                (
                    claim.entity,
                    claim.external_id,
                    claim.id,
                    claim.by,
                    claim.others,
                    claim.keeps_links,
                    [list(key) for key in claim.linked if not claim.keeps_links],
                ),
            )
        for one in self.verdicts.awaiting:
            self._insert("awaiting", (one.entity, one.external_id, one.reason))
        run(self._connection, _SQL["settle_claims"])

    def _let_go_of_links(self) -> None:
        """Drop links of the portal where the source leaves no room for them in the invoice."""
        kept_links = [
            (claim.entity, claim.external_id, link.external_id, link.amount)
            for claim in self.verdicts.claims
            if claim.keeps_links
            for link in self._records(claim.entity)[claim.id].links
        ]
        if not kept_links:
            return
        self._connection.execute(
            "create or replace temp table kept_links as select unnest($1::varchar[]) as entity, "
            "unnest($2::varchar[]) as external_id, unnest($3::varchar[]) as invoice, "
            "unnest($4::bigint[]) as amount",
            [list(column) for column in zip(*kept_links, strict=True)],
        )
        full = set(self._connection.execute(_SQL["claims_room"]).fetchall())
        self.verdicts.claims = [
            msgspec.structs.replace(claim, keeps_links=claim.keeps_links and claim.key not in full)
            for claim in self.verdicts.claims
        ]

    def _insert(self, table: str, row: tuple[Any, ...]) -> None:
        marks = ", ".join("?" * len(row))
        self._connection.execute(f"insert into plan.{table} values ({marks})", list(row))

    @property
    def planned(self) -> list[Claim]:
        """The claims among the plan's operations."""
        rows = run(
            self._connection, "select entity, external_id from plan.claims order by all"
        ).fetchall()
        chosen = set(rows)
        return [one for one in self.verdicts.claims if (one.entity, one.external_id) in chosen]

    def unsent(self) -> set[Key]:
        """Return the claims that were never sent as claims.

        An earlier refusal of such a record concerned a different request, that of a new record.
        """
        sent = {
            (decision.entity, decision.external_id, decision.id)
            for decision in self._journal.decisions()
            if decision.verdict == "claimed"
        }
        return {
            (one.entity, one.external_id)
            for one in self.verdicts.claims
            if (one.entity, one.external_id, one.id) not in sent
        }

    async def remove_merged(self, reader: Reader) -> None:
        """Delete collected records that a person declared to be part of a claimed one.

        Ignores records that are deleted already. Raises whatever else the reader raises.
        """
        for claim in self.planned:
            for id in claim.others:
                try:
                    await reader.request("DELETE", f"{BY_NAME[claim.entity].path}/{id}")
                except Refused as error:
                    if error.status != 404:
                        raise

    def note_sent(self) -> None:
        """Record the plan's claims as sent, before they are sent, and drop earlier rejects."""
        unsent = self.unsent()
        claims = self.planned
        self._journal.drop_rejects([one.key for one in claims if one.key in unsent])
        self._journal.decide(
            Decision(one.entity, one.external_id, one.id, "claimed") for one in claims
        )

    def _judge(self) -> Verdicts:
        pools = {entity.name: self._records(entity.name) for entity in COLLECTED_ENTITIES}
        if not any(pools.values()):
            return Verdicts()
        booked = self._booked(pools)
        families = self._families(pools)
        verdicts = Verdicts()
        decisions = self._journal.decisions()
        for entity in COLLECTED_ENTITIES:
            named = self._known[entity.name].named if entity.name in self._known else set()
            own = [one for one in booked if one.entity == entity.name]
            verdicts.known |= {one.key for one in own if one.external_id in named}
            judge = Judge(
                pools[entity.name].values(),
                families,
                decisions,
                self._days,
                claiming=self._rule == "hold",
                given_back=_given_back(pools["refund"], verdicts.claims),
            )
            judged = judge.judge([one for one in own if one.external_id not in named])
            verdicts.claims += judged.claims
            verdicts.awaiting += judged.awaiting
        return verdicts

    def _records(self, entity: str) -> dict[str, Collected]:
        """Return the collected records as read just now, or else as the journal has them."""
        if entity in self._known:
            return self._known[entity].records
        return kept(self._journal, entity)

    def _booked(self, pools: Mapping[str, Mapping[str, Collected]]) -> list[Booked]:
        money = [one for pool in pools.values() for one in pool.values()]
        self._connection.execute(
            "create or replace temp table collected_money as select unnest($1::varchar[]) as "
            "entity, unnest($2::varchar[]) as id, unnest($3::varchar[]) as customer",
            [
                [one.entity for one in money],
                [one.id for one in money],
                [one.customer for one in money],
            ],
        )
        return [
            Booked(
                entity=entity,
                external_id=external_id,
                customer=customer,
                family=family,
                currency=currency,
                amount=amount,
                day=day,
                instrument=instrument,
                reference=reference,
                origin=origin,
                links=frozenset((kind, other) for kind, other in links),
            )
            for (
                entity, external_id, customer, family, currency, amount, day, instrument,
                reference, origin, links,
            ) in self._connection.execute(_SQL["booked"]).fetchall()
        ]  # fmt: skip

    def _families(self, pools: Mapping[str, Mapping[str, Collected]]) -> dict[str, str]:
        customers = sorted({one.customer for pool in pools.values() for one in pool.values()})
        return dict(
            self._connection.execute(
                "select external_id, root from book.roots "
                "where list_contains($1::varchar[], external_id) and root is not null",
                [customers],
            ).fetchall()
        )


def _involved(verdicts: Verdicts) -> dict[str, set[str]]:
    """Return the ids of the collected records that the verdicts depend on, by entity."""
    found: dict[str, set[str]] = {}
    for claim in verdicts.claims:
        found.setdefault(claim.entity, set()).update([claim.id, *claim.others])
    for awaiting in verdicts.awaiting:
        found.setdefault(awaiting.entity, set()).update(awaiting.ids)
    return found


def _given_back(refunds: Mapping[str, Collected], claims: Iterable[Claim]) -> frozenset[str]:
    """Return the payments that were refunded by refunds which are not booked."""
    booked = {claim.id for claim in claims}
    return frozenset(
        link.id
        for id, refund in refunds.items()
        if id not in booked
        for link in refund.links
        if link.entity == "payment"
    )
