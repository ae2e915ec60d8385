-- How the last rounds ended; kind is success or failure, pending is null if unknown.
create table rounds (
    kind text primary key,
    at real not null,
    command text not null,
    said text not null,
    pending integer
);
