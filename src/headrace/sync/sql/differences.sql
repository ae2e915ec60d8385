-- What should be there against what the API was told: the only step that looks at every record.
create or replace table plan.differences as
select
    entity,
    external_id,
    case
        when told.entity is null then 'create'
        when desired.entity is null then 'delete'
        else 'update'
    end as action,
    desired.fingerprint
from book.fingerprints as desired
full outer join plan.applied as told using (entity, external_id)
where desired.entity is null
   or told.entity is null
   or desired.fingerprint is distinct from told.fingerprint;

create or replace table book.touched as
select distinct entity, external_id
from plan.differences;
