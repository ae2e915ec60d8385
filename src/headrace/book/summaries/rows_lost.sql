-- A model of allocations whose joins find nothing makes no rows, and says nothing of it: every paid
-- invoice would be sent as open.
select
    if(selected < 10, 'warning', 'error'),
    'allocation',
    '*',
    format('has no rows, though its model selects {:,} of ', selected) || source,
    'its joins find nothing: compare the columns that they join in models/allocations.sql'
from book.coverage
where name = 'allocations' and made = 0 and selected > 0;
