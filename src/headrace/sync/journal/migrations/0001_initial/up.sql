create table applied (
    entity text not null,
    external_id text not null,
    fingerprint integer,
    hash blob not null,
    customer text not null,
    applied_at real not null,
    run integer not null,
    change integer not null,
    primary key (entity, external_id)
) without rowid;

-- Each write has the next number, so that a reader can ask for later ones.
create index applied_change on applied (change);

create table forgotten (
    change integer primary key,
    entity text not null,
    external_id text not null
);

create table identity (id text not null);

create table payloads (
    entity text not null,
    external_id text not null,
    payload blob not null,
    primary key (entity, external_id)
) without rowid;

create table rejects (
    entity text not null,
    external_id text not null,
    fingerprint integer,
    status integer not null,
    message text not null,
    payload blob,
    rejected_at real not null,
    run integer not null,
    ignored integer not null default 0,
    primary key (entity, external_id)
) without rowid;

-- Records that the API acknowledged and stores differently; fields are JSON: [[name, sent, stored],
-- ...].
create table drifts (
    entity text not null,
    external_id text not null,
    fields blob not null,
    found_at real not null,
    run integer not null,
    primary key (entity, external_id)
) without rowid;

create table runs (
    id integer primary key,
    command text not null,
    started_at real not null,
    ended_at real,
    outcome text,
    planned integer not null,
    sent integer not null default 0,
    rejected integer not null default 0,
    open_left integer not null default 0,
    latency real
);

-- Seconds of one answer, measured without a run.
create table tried (latency real not null);

-- Times of the API's answers in the last minute: they count for its rate limit after a restart too.
create table answers (at real not null);

-- The names of users, dunning plans and custom fields as last read from the API, as JSON.
create table directory (content blob not null);
