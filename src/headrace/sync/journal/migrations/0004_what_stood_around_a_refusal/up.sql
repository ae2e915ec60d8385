alter table rejects add column around integer;
