-- The records that differ, of those that may: the others are as they were when they were compared.
create or replace table plan.differences as
select
    coalesce(now.entity, before.entity) as entity,
    coalesce(now.external_id, before.external_id) as external_id,
    case
        when before.key is null then 'create'
        when now.key is null then 'delete'
        else 'update'
    end as action,
    now.key,
    now.fingerprint
from (from book.fingerprints where key in (select key from book.doubtful)) as now
full outer join (from staging.acknowledged where key in (select key from book.doubtful)) as before
    using (key)
where now.key is null or before.key is null
    or now.fingerprint is distinct from before.fingerprint;
