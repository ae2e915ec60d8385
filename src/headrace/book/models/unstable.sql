-- Rows of one table that came out otherwise the second time; `once`, `again`, `columns`, `keys` and
-- the rest in braces are put in by `unstable.py`.
with once as (
    select {columns} from memory.book.{table} except all select {columns} from again.book.{table}
),
again as (
    select {columns} from again.book.{table} except all select {columns} from memory.book.{table}
),
apart as (
    select
        coalesce(once.{identity}, again.{identity}) as external_id,
        array_to_string(list_filter([{differing}], lambda name: name is not null), ', ') as names,
        count(*) over () as total
    from once
    full join again on {same_keys}
    order by external_id, names
    limit {most}
)
select
    'warning',
    '{singular}',
    coalesce(external_id, '?'),
    'comes out otherwise when {origin} is run again'
        || if(names = '', '', ' (' || names || ')')
        || if(total > 1, ', as do ' || (total - 1) || ' more', ''),
    'end the order in row_number(), first(), string_agg() and the like with a unique column, and '
        || 'leave now() and random() out of {origin}; each sync sends such rows again'
from apart
