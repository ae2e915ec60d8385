-- What the views of the book look at before anything is found to be wrong.
create or replace table book.flawed_links (
    row bigint, flaw varchar, problem varchar, remedy varchar, follows varchar
);

-- Links that stay as the API has them while their rows are in error, with the amounts that it has.
create or replace table book.pinned_links (
    from_entity varchar, from_external_id varchar, to_entity varchar, to_external_id varchar,
    amount bigint
);

-- Sound links that have to wait all the same, since the API holds their ends otherwise.
create or replace table book.waiting_links (
    from_entity varchar, from_external_id varchar, to_entity varchar, to_external_id varchar,
    reason varchar
);

-- Customers of whose parent it is not known what the API has: nothing is said of it.
create or replace table book.unsaid_parents (external_id varchar);

create or replace table book.withheld (entity varchar, external_id varchar, reason varchar);

create or replace table book.rebooked (external_id varchar, root varchar);
