-- The records that differ, of the shares that differ. Numbers are joined first, and texts are
-- fetched only for records that differ.
create or replace table plan.differences as
with pairs as materialized (
    select now.row as now_row, before.row as before_row
    from (
        select rowid as row, key, fingerprint
        from book.fingerprints
        semi join moved_shares as moved on moved.share = key & 16383
    ) as now
    full outer join (
        select rowid as row, key, fingerprint
        from staging.acknowledged
        semi join moved_shares as moved on moved.share = key & 16383
    ) as before using (key)
    -- The journal has no fingerprint of records that were asked and not answered, so they differ.
    where now.row is null or before.row is null
        or now.fingerprint is distinct from before.fingerprint
)
select
    coalesce(now.entity, before.entity) as entity,
    coalesce(now.external_id, before.external_id) as external_id,
    case
        when before_row is null then 'create'
        when now_row is null then 'delete'
        else 'update'
    end as action,
    now.key,
    now.fingerprint
from pairs
left join book.fingerprints as now on now.rowid = now_row
left join staging.acknowledged as before on before.rowid = before_row;
