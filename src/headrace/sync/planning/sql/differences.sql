-- Compares the source with what the API acknowledged. This is the only step that reads every
-- record, so it compares numbers only. Sums over shares of the keys show first where
-- anything differs, so that most records are never paired; texts are fetched for those that differ.
create or replace table plan.differences as
with now_sums as (
    select key & 16383 as share, sum(hash(key, fingerprint)) as mark
    from book.fingerprints
    group by share
),
acknowledged_sums as (
    select key & 16383 as share, sum(hash(key, fingerprint)) as mark
    from staging.acknowledged
    group by share
),
moved as materialized (
    select share
    from now_sums
    full outer join acknowledged_sums using (share)
    where now_sums.mark is distinct from acknowledged_sums.mark
),
pairs as materialized (
    select now.row as now_row, before.row as before_row
    from (
        select rowid as row, key, fingerprint
        from book.fingerprints
        semi join moved on moved.share = key & 16383
    ) as now
    full outer join (
        select rowid as row, key, fingerprint
        from staging.acknowledged
        semi join moved on moved.share = key & 16383
    ) as before using (key)
    -- Of what is in doubt, the journal has no fingerprint.
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

-- What differs, the links on either side of it, the records on their other side, and those whose
-- customer has left the source. Ids are compared without their entity, which is faster; a namesake
-- of another entity more does no harm.
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
),
departed as (
    select external_id as customer
    from plan.differences
    where entity = 'customer' and action = 'delete'
)
from book.placed
semi join ids using (external_id)
union all
from book.placed
semi join departed using (customer)
anti join ids using (external_id);
