-- The tables behind the names that models read: views are followed to their tables, and tables to
-- their partitions. A name without a schema is one of the search path, or of the source's schema.
with recursive named as (
    select c.oid
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname not in ('pg_catalog', 'information_schema')
      and n.nspname not like 'pg\_t%'
      and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and (
          {all}
          or lower(n.nspname || '.' || c.relname) in ({names})
          or (
              lower(c.relname) in ({names})
              and case {schema}
                  when '' then pg_table_is_visible(c.oid)
                  else n.nspname = {schema}
              end
          )
      )
),
needed(oid) as (
    select oid from named
    union
    select below.oid
    from needed
    cross join lateral (
        select d.refobjid as oid
        from pg_rewrite r
        join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass
        where r.ev_class = needed.oid and d.refclassid = 'pg_class'::regclass
        union all
        select inhrelid from pg_inherits where inhparent = needed.oid
    ) as below
)
select c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text
from needed
join pg_class c on c.oid = needed.oid
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p')
order by 2, 3
