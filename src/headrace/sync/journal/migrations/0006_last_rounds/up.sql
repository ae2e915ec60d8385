-- What the last rounds came to; kind is success or failure. pending is null when it is not known.
create table rounds (
    kind text primary key,
    at real not null,
    command text not null,
    said text not null,
    pending integer
);
