-- Each decision of the API on a record; refused is its sentence, null when it took the record.
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

-- What a run says of itself while it goes on, as JSON.
create table progress (run integer primary key, content blob not null);
