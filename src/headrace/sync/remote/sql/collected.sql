-- The collected records that are not booked yet, as the lists show them; `open` is defined as in
-- `plan.api_documents`.
create or replace table plan.api_collected (
    entity varchar, id varchar, customer varchar, currency varchar, amount bigint, open bigint,
    day varchar, instrument varchar, reference varchar, created_at varchar
);
create or replace table plan.api_collected_links (
    entity varchar, id varchar, to_entity varchar, to_external_id varchar, amount bigint
);
-- The links of booked records that claimed a collected one or were refunded at the API.
create or replace table plan.api_links (
    entity varchar, external_id varchar, to_entity varchar, to_external_id varchar, amount bigint
);
create or replace table plan.api_created (entity varchar, external_id varchar, created_at varchar);
-- Pairs (entity, external_id, id) that a person declared to be two records, and, without an id,
-- booked records that claimed a collected one.
create or replace table plan.kept_apart (entity varchar, external_id varchar, id varchar);

-- Synthetic payments, by the mark at the start of their reference.
create or replace table plan.api_kinds (
    entity varchar, external_id varchar, kind varchar, currency varchar, amount bigint
);
