-- A model of allocations whose joins find nothing makes no rows, and says nothing of it: every paid
-- invoice would be sent as open.
-- Over: lost_allocations.
select
    if(sum(selected) < 10, 'warning', 'error'),
    'allocation',
    '*',
    format('has no rows, though its model selects {:,} of ', sum(selected)::bigint)
        || string_agg(distinct source, ', ' order by source),
    'its joins find nothing: compare the columns that they join in models/allocations.sql'
from book.lost_allocations
having sum(selected) > 0;
