-- Each decision of the API about a record; `refused` is its message, null if it acknowledged.
create table sent (
    id integer primary key,
    run integer not null,
    at real not null,
    entity text not null,
    external_id text not null,
    action text not null,
    refused text
);

create index sent_run on sent (run);

-- The state of the active run, as JSON.
create table progress (run integer primary key, content blob not null);
