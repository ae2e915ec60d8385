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

-- The links at either end of the records that differ, then the records at both ends of these links;
-- `departed_records.sql` adds those whose customer left the source. Ids are compared without their
-- entity, which is faster. A record of another entity with the same id may be included; it does no
-- harm.
create or replace table book.examined_links as
from book.links
where from_external_id in (select external_id from plan.differences)
   or to_external_id in (select external_id from plan.differences);

create or replace table book.examined_records as
with ids as (
    select external_id from plan.differences
    union
    select from_external_id from book.examined_links
    union
    select to_external_id from book.examined_links
)
from book.placed
semi join ids using (external_id);
