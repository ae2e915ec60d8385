-- A table of allocations of which none, or hardly any, finds its documents is in another language
-- than they are: every paid invoice would be sent as open. `links` in error are named one by one.
with ends as (
    select from_entity as entity, count(*) as rows, count(source.key) as found
    from book.allocations as allocation
    join book.link_marks as mark on mark.row = allocation.rowid
    left join (select distinct key from book.document_marks) as source on source.key = mark.owner
    where from_entity in ('payment', 'credit_note', 'refund')
    group by all
    union all
    select to_entity, count(*), count(target.key)
    from book.allocations as allocation
    join book.link_marks as mark on mark.row = allocation.rowid
    left join (select distinct key from book.document_marks) as target on target.key = mark.target
    where to_entity in ('invoice', 'payment', 'credit_note')
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
