"""Claiming: what a plan's new payments and refunds have to do with what Upflow collected."""

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
    """What was found of the new records; empty where there are none."""

    claims: list[Claim] = field(default_factory=list)
    awaiting: list[Awaiting] = field(default_factory=list)
    known: set[Key] = field(default_factory=set)
    """New records that the API has by their external id: a crash came before the journal."""
    unlooked: str = ""
    """Why the API's lists were not read; empty when they were, or need not be."""


class Claimer:
    """One organisation's; the book is built and compared, nothing is planned yet."""

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
        """Those of the last look."""
        self._known: dict[str, Known] = {}
        connection.execute(_SQL["claims"])

    def forget(self) -> None:
        """What was read was read for another state of the book."""
        self._known = {}
        self.verdicts = Verdicts(unlooked="it was not asked yet")

    def needs_a_look(self) -> bool:
        """Whether the source has a new payment or refund: without one nothing is read."""
        return self._rule != "off" and bool(self._new_entities())

    def _new_entities(self) -> set[str]:
        """What headrace derives itself, by the prefixes of its ids, is no money of anybody."""
        rows = self._connection.execute(
            "select distinct entity from plan.differences "
            "where action = 'create' and entity in ('payment', 'refund') "
            "and not starts_with(external_id, 'fix:') "
            "and not starts_with(external_id, 'settlement:')"
        ).fetchall()
        return {entity for (entity,) in rows}

    async def look(self, reader: Reader) -> None:
        """Reads what is new in the API's lists. ApiError when it can't be asked; then what was
        known before serves."""
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
            self.verdicts.unlooked = str(error).rstrip(".")
            raise
        self.verdicts.unlooked = ""

    async def _look_closer(self, lists: Lists) -> None:
        """Until all that decides was read just now."""
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
        """Brings `plan.claims` and `plan.awaiting` in line with `plan.changes`, from which it takes
        what must wait."""
        self._connection.execute(_SQL["claims"])
        if not self.needs_a_look():
            self.verdicts = Verdicts()
            return
        unlooked = self.verdicts.unlooked
        self.verdicts = self._judge()
        self.verdicts.unlooked = unlooked
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
        self._connection.execute(_SQL["settle_claims"])

    def _let_go_of_links(self) -> None:
        """Links of the portal stay where the source leaves the invoice as open as they need it."""
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
        rows = self._connection.execute(
            "select entity, external_id from plan.claims order by all"
        ).fetchall()
        chosen = set(rows)
        return [one for one in self.verdicts.claims if (one.entity, one.external_id) in chosen]

    def unsent(self) -> set[Key]:
        """Records that are claims and were never sent as such: what the API said of them before,
        it said of a new record."""
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
        """Deletes what was booked together with what is claimed, as a person said; what is gone
        already is fine. Raises what the reader raises."""
        for claim in self.planned:
            for id in claim.others:
                try:
                    await reader.request("DELETE", f"{BY_NAME[claim.entity].path}/{id}")
                except Refused as error:
                    if error.status != 404:
                        raise

    def note_sent(self) -> None:
        """Notes the plan's claims as sent, before they are; what was refused before was another
        request."""
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
        """By what was read just now, else by what the journal remembers."""
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
    """Ids of collected records that decide something, per entity."""
    found: dict[str, set[str]] = {}
    for claim in verdicts.claims:
        found.setdefault(claim.entity, set()).update([claim.id, *claim.others])
    for awaiting in verdicts.awaiting:
        found.setdefault(awaiting.entity, set()).update(awaiting.ids)
    return found


def _given_back(refunds: Mapping[str, Collected], claims: Iterable[Claim]) -> frozenset[str]:
    """Payments that were given back by refunds which are not booked."""
    booked = {claim.id for claim in claims}
    return frozenset(
        link.id
        for id, refund in refunds.items()
        if id not in booked
        for link in refund.links
        if link.entity == "payment"
    )
