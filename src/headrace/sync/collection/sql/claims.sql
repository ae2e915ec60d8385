-- Verdicts on collected money: records in `plan.claims` are sent as claims, records in
-- `plan.awaiting` are held until a person decides.
create or replace table plan.claims (
    entity varchar, external_id varchar, id varchar, how varchar, others varchar[],
    -- frees: (entity, external id) of documents that the claim may unlink
    keeps_links boolean, frees varchar[][]
);
create or replace table plan.awaiting (entity varchar, external_id varchar, reason varchar);
