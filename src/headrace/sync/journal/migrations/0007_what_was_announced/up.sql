-- Rounds, the newest last; times in seconds since 1970, an unknown number is null.
create table round_log (
    id integer primary key,
    command text not null,
    -- Name of the error's class; empty for a success.
    error text not null,
    said text not null,
    -- JSON list of clauses with figures, without data of records.
    clauses text not null,
    first_at real not null,
    at real not null,
    times integer not null,
    seconds real not null,
    sent integer not null,
    rejected integer not null,
    withheld integer,
    pending integer,
    failures integer not null,
    failing_since real,
    error_since real,
    behind_since real,
    in_step_at real,
    succeeded_at real
);

-- Troubles that are announced or about to be; kind names the trouble.
create table alerts (
    kind text primary key,
    since real not null,
    raised_at real not null,
    amount integer not null,
    clauses text not null,
    -- JSON list of hashes of the records that it is about.
    seen text not null,
    announced_at real,
    recovered_at real,
    -- JSON list of the addresses that have the current message.
    reached text not null,
    next_try_at real not null,
    tries integer not null,
    said text not null
);

-- One row: the last comparison of all balances.
create table proofs (at real not null, balanced integer not null, differences integer not null);

-- Plans that wait for a person, and those that no longer do.
create table approvals (
    id text primary key,
    digest text not null,
    state text not null,
    requested_at real not null,
    requested_by text not null,
    summary text not null,
    decided_at real,
    decided_by text
);

-- What was decided, in order; each row's hash covers the row and the hash before it.
create table audit (
    number integer primary key,
    at real not null,
    action text not null,
    who text not null,
    subject text not null,
    digest text not null,
    detail text not null,
    previous text not null,
    hash text not null
);
