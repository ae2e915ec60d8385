-- A book without customers or invoices is rarely meant.
select
    'warning',
    sizes.entity,
    '*',
    'has no rows in its table',
    'see whether models/' || sizes.entity || 's.sql selects what it should'
from book.sizes as sizes
semi join book.modelled as modelled on modelled.name = sizes.entity || 's'
where sizes.rows = 0 and sizes.entity in ('customer', 'invoice');
