create table asked (
    entity text not null,
    external_id text not null,
    action text not null,
    customer text not null,
    -- Whether the request takes over a record that the API has without an external id.
    claiming integer not null,
    asked_at real not null,
    payload blob,
    primary key (entity, external_id)
) without rowid;

-- One row: the API's base URL, and a digest of the key.
create table target (url text not null, key text not null, checked_at real not null);

create table landmarks (
    entity text not null,
    external_id text not null,
    id text not null,
    primary key (entity, external_id)
) without rowid;

-- Records without a decision, the number of runs, and what happened the last time.
create table failing (
    entity text not null,
    external_id text not null,
    runs integer not null,
    said text not null,
    primary key (entity, external_id)
) without rowid;
