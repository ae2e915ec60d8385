-- Records that left the source and stay at the API by the rule of their entity. Fixes are always
-- deleted, because headrace made them.
create or replace table plan.departed as
select change.entity, change.external_id, rules.rule
from plan.changes as change
join deletion_rules as rules using (entity)
where change.action = 'delete' and rules.rule <> 'delete' and change.external_id not like 'fix:%';

delete from plan.changes
where action = 'delete' and (entity, external_id) in (
    select (entity, external_id) from plan.departed
);
