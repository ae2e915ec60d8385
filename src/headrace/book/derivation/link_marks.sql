-- Every allocation beside both of its documents, by numbers alone: pairing by text would cost ten
-- times as much. Only what looks odd here is examined by its texts, in `flawed_links.sql`.
with links as (
    select
        row,
        from_entity as from_kind,
        to_entity as to_kind,
        hash(from_entity, from_external_id) as owner,
        hash(to_entity, to_external_id) as target,
        amount,
        coalesce(amount, 0) <= 0 or not coalesce(
            (from_entity in ('payment', 'credit_note') and to_entity = 'invoice')
            or (from_entity = 'refund' and to_entity in ('payment', 'credit_note')), false
        ) as odd
    from {allocations}
)
select
    links.row,
    links.owner,
    links.target,
    links.amount,
    links.from_kind,
    links.to_kind,
    source.key is not null as has_source,
    target.key is not null as has_target,
    links.odd
        or source.key is null
        or target.key is null
        -- Of another customer or in another currency; a sibling's is examined as well.
        or source.tag is distinct from target.tag as odd
from links
left join {marks} as source on source.key = links.owner
left join {marks} as target on target.key = links.target
