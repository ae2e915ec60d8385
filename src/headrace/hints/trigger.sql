-- Tells headrace at each commit which tables changed, without any of their values. PostgreSQL sends
-- the same notification once per transaction, whatever the number of rows.
create or replace function {schema}.headrace_hint() returns trigger language plpgsql as $$
begin
    perform pg_notify('{channel}', tg_table_schema || '.' || tg_table_name);
    return null;
end
$$;
-- For each table:
create or replace trigger headrace_hint
after insert or update or delete or truncate on {table}
for each statement execute function {schema}.headrace_hint();
