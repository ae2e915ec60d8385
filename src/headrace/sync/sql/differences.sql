-- What should be there against what the API was told: the only step that looks at every record.
create or replace table plan.changes as
with compared as (
    select
        entity,
        external_id,
        desired.fingerprint,
        told.fingerprint as told,
        desired.entity is null as gone,
        told.entity is null as new
    from book.fingerprints as desired
    full outer join plan.applied as told using (entity, external_id)
    where desired.entity is null
       or told.entity is null
       or desired.fingerprint is distinct from told.fingerprint
)
select
    entity,
    external_id,
    case when new then 'create' when gone then 'delete' else 'update' end as action,
    fingerprint,
    false as shrinks
from compared
-- A withheld record is still in the source: it is neither sent nor deleted.
anti join book.withheld as withheld using (entity, external_id);
