alter table rejects add column around integer;

-- Whether everything has been delivered once.
create table imported (at real not null);

-- Contact positions that the API does not have, with its sentence.
create table refused_positions (name text primary key, message text not null);
