alter table rejects add column around integer;

-- Whether everything has been delivered once.
create table imported (at real not null);
