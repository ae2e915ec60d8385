-- Records that the API rejected are held until their row or a neighbour changes; `fate` says why.
create or replace table plan.held as
select
    change.entity,
    change.external_id,
    'refused before: ' || reject.message as reason,
    if(reject.ignored, 'is ignored', 'was refused') as fate
from plan.changes as change
join plan.rejects as reject using (entity, external_id)
where reject.stands
union all
-- Records that may be collected money wait for a person's decision.
select entity, external_id, reason, 'waits for a decision'
from plan.awaiting;

create or replace temp table missing as
select entity, external_id, held.fate
from plan.held
join plan.changes as change using (entity, external_id)
where change.action = 'create'
union all
select entity, external_id, 'is left out of this plan'
from plan.left_out
where action = 'create';
