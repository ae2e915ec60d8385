-- The register of organisations and what is known of their rounds. Procrastinate's own tables are
-- in the same schema.
--
-- During an upgrade, workers of two versions run at the same time. So later versions only add: a
-- new column is nullable or has a default, and nothing is renamed.
create table organisation (
    name text primary key,
    -- The table [template.NAME] that it is based on; empty for none.
    template text not null default '',
    -- Its own settings, as [organisation.NAME] has them; null if that table is in headrace.toml.
    settings jsonb,
    added_at timestamptz not null default now(),
    paused_at timestamptz,
    paused_because text not null default '',
    -- Seconds from the beginning of one round to that of the next.
    every double precision not null,
    due_at timestamptz not null default now(),
    -- When its waiting round was put into the queue; null if none waits.
    queued_at timestamptz,
    -- Expected seconds of a round, by those of the past.
    seconds double precision not null default 1,
    pending bigint,
    failures bigint not null default 0,
    summary text not null default '',
    error text not null default '',
    ended_at timestamptz,
    -- The worker of the last round; it watches over the organisation until another one serves it.
    worker text not null default ''
);
create index organisation_due on organisation (due_at) where paused_at is null;

create table round (
    id bigint generated always as identity primary key,
    organisation text not null references organisation on delete cascade,
    worker text not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    sent bigint not null,
    pending bigint,
    summary text not null,
    error text not null
);
create index round_of on round (organisation, id);

-- Workers. `id` is Procrastinate's, whose table has the time of the last heartbeat.
create table worker (
    id bigint primary key,
    name text not null,
    version text not null,
    started_at timestamptz not null default now(),
    at_once bigint not null,
    -- Seconds without a heartbeat after which others take its rounds over.
    takeover double precision not null
);
