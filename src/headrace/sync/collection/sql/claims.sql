-- Verdicts on collected money: `plan.claims` become records that the API has already,
-- `plan.awaiting` stay behind until a person decides.
create or replace table plan.claims (
    entity varchar, external_id varchar, id varchar, how varchar, others varchar[],
    -- frees: (entity, external id) of what it is linked to there, and may be no longer
    keeps_links boolean, frees varchar[][]
);
create or replace table plan.awaiting (entity varchar, external_id varchar, reason varchar);
