-- What Upflow collected and nobody has booked, as the lists show it; `open` is what the record
-- itself leaves open, as in `plan.api_documents`.
create or replace table plan.api_collected (
    entity varchar, id varchar, customer varchar, currency varchar, amount bigint, open bigint,
    day varchar, instrument varchar, reference varchar, created_at varchar
);
create or replace table plan.api_collected_links (
    entity varchar, id varchar, to_entity varchar, to_external_id varchar, amount bigint
);
-- The links of booked records that have to do with collected ones.
create or replace table plan.api_links (
    entity varchar, external_id varchar, to_entity varchar, to_external_id varchar, amount bigint
);
create or replace table plan.api_created (entity varchar, external_id varchar, created_at varchar);
-- (entity, external_id, id) that a person said are two, or that are one record by now.
create or replace table plan.kept_apart (entity varchar, external_id varchar, id varchar);

-- Payments that are no money: the mark that their reference starts with.
create or replace table plan.api_kinds (
    entity varchar, external_id varchar, kind varchar, currency varchar, amount bigint
);
