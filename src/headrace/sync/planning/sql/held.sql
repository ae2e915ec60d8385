-- One reason for each held record.
create or replace table plan.held as
select entity, external_id, first(reason) as reason, first(fate) as fate
from plan.held
group by entity, external_id;

delete from plan.changes
where (entity, external_id) in (select (entity, external_id) from plan.held);
