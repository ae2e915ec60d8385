-- A plan without operations: what `place.sql` makes, without the rows. Most plans of a fleet are
-- such, and the engine takes as long to think about the whole way for no rows as for a thousand.
create or replace table plan.operations (
    number bigint, id bigint, entity varchar, external_id varchar, action varchar, step integer,
    fingerprint bigint, customer varchar, phase integer, currency varchar, amount bigint
);
create or replace table plan.lanes (customer varchar, phase integer, first bigint, last bigint);
create or replace table plan.waits (number bigint, on_number bigint);
create or replace table plan.given_back (
    entity varchar, external_id varchar, to_entity varchar, to_external_id varchar
);
create or replace table plan.late_links (
    entity varchar, external_id varchar, to_entity varchar, to_external_id varchar
);
