-- What a plan is told of collected money: `plan.claims` become records that the API has already,
-- `plan.awaiting` stay behind until a person decides.
create or replace table plan.claims (
    entity varchar, external_id varchar, id varchar, how varchar, others varchar[],
    keeps_links boolean
);
create or replace table plan.awaiting (entity varchar, external_id varchar, reason varchar);
