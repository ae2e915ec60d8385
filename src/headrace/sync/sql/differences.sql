-- What should be there against what the API was told: the only step that looks at every record, and
-- it compares numbers only.
create or replace table plan.differences as
with moved as (
    from book.fingerprints
    anti join staging.told using (key, fingerprint)
),
stale as (
    from staging.told
    anti join book.fingerprints using (key, fingerprint)
)
select
    entity,
    external_id,
    case
        when stale.entity is null then 'create'
        when moved.entity is null then 'delete'
        else 'update'
    end as action,
    moved.fingerprint
from moved
full outer join stale using (entity, external_id);

create or replace table book.touched as
select distinct entity, external_id
from plan.differences;
