-- What a name stands for, with the tables that hold its rows: views are followed to their tables.
-- `steady` is false where rows may differ although no table changed: foreign tables, policies,
-- columns that are computed when they are read, functions of the database's own, the clock.
-- `signature` changes with everything that shapes the rows of a table but its rows.
with recursive needed(root, oid) as (
    select c.oid, c.oid from pg_class c where c.oid in (
        select unnest(array[{roots}]::regclass[])
    )
    union
    select needed.root, d.refobjid
    from needed
    join pg_class v on v.oid = needed.oid and v.relkind = 'v'
    join pg_rewrite r on r.ev_class = v.oid
    join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass
    where d.refclassid = 'pg_class'::regclass
),
functions as (
    select needed.root
    from needed
    join pg_rewrite r on r.ev_class = needed.oid
    join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass
    where d.refclassid = 'pg_proc'::regclass
),
keys as (
    select distinct on (i.indrelid) i.indrelid as oid, a.attname as name, a.atttypid as type
    from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null
      and i.indnkeyatts = 1 and a.attnotnull and i.indkey[0] > 0
      and a.atttypid in (20, 21, 23, 25, 1043, 2950)
    order by i.indrelid, i.indisprimary desc, i.indexrelid
)
select
    format('%I.%I', top_schema.nspname, top.relname),
    format('%I.%I', n.nspname, c.relname),
    c.relkind::text,
    not (
        c.relrowsecurity
        or c.relkind not in ('r', 'p', 'm', 'v')
        or (c.relkind = 'r' and exists (select from pg_inherits where inhparent = c.oid))
        or exists (select from functions where functions.root = needed.root)
        or (c.relkind = 'v' and pg_get_viewdef(c.oid) ~* {moving})
        or exists (
            select from pg_attribute a
            where a.attrelid = c.oid and a.attgenerated not in ('', 's') and not a.attisdropped
        )
    ),
    md5(concat(
        c.oid,
        (
            select string_agg(
                concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod), ',' order by a.attnum
            )
            from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        ),
        case c.relkind
            when 'v' then pg_get_viewdef(c.oid)
            when 'p' then (select string_agg(t.relid::text, ',') from pg_partition_tree(c.oid) t)
        end
    )),
    case when c.relkind = 'r' then keys.name::text end
from needed
join pg_class c on c.oid = needed.oid
join pg_namespace n on n.oid = c.relnamespace
join pg_class top on top.oid = needed.root
join pg_namespace top_schema on top_schema.oid = top.relnamespace
left join keys on keys.oid = c.oid
where c.relkind <> 'S'
