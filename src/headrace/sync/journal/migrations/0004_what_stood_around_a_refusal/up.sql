alter table rejects add column around integer;

-- A row if the first import is complete.
create table imported (at real not null);

-- Contact positions that the API refused, with its messages.
create table refused_positions (name text primary key, message text not null);
