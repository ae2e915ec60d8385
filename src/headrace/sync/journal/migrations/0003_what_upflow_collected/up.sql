create table collected (
    entity text not null,
    id text not null,
    content blob not null,
    primary key (entity, id)
) without rowid;

-- The newest ids of each list when it was last read, as JSON, and its length.
create table collected_lists (
    entity text primary key,
    newest blob not null,
    total integer not null
) without rowid;

-- verdict: accepted, rejected, or claimed by a request that was sent.
create table decisions (
    entity text not null,
    external_id text not null,
    id text not null,
    verdict text not null,
    decided_at real not null,
    primary key (entity, external_id, id)
) without rowid;
