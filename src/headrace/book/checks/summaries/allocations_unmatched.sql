-- A table of allocations of which none, or hardly any, finds its documents is in another language
-- than they are: every paid invoice would be sent as open. `links` in error are named one by one.
-- Over: link_shares.
with ends as (
    select from_kind as entity, sum(rows)::bigint as rows, sum(sources)::bigint as found
    from book.link_shares
    where from_kind in ('payment', 'credit_note', 'refund')
    group by all
    union all
    select to_kind, sum(rows)::bigint, sum(targets)::bigint
    from book.link_shares
    where to_kind in ('invoice', 'payment', 'credit_note')
    group by all
)
select
    -- A few rows that outlived their documents are no sign of anything.
    if(rows < 10, 'warning', 'error'),
    'allocation',
    '*',
    format('{:,} of {:,} rows match ', found, rows)
        || if(entity = 'invoice', 'an ', 'a ') || replace(entity, '_', ' '),
    'compare the ids in models/allocations.sql with external_id in models/' || entity || 's.sql'
from ends
where found * 2 < rows;
