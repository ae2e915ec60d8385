-- Keeps verdicts only for records that the plan creates; the others are withheld or left out.
delete from plan.claims
where (entity, external_id) not in (
    select (entity, external_id) from plan.changes where action = 'create'
);

delete from plan.awaiting
where (entity, external_id) not in (
    select (entity, external_id) from plan.changes where action = 'create'
);
