-- The rows of the source's files at the last accepted plan.
create table source_rows (name text primary key, number bigint not null);
