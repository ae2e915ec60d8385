-- A book without customers or invoices is rarely meant.
with empty as (
    select 'customer' as entity where not exists (from book.customers)
    union all
    select 'invoice' where not exists (from book.invoices)
)
select
    'warning',
    entity,
    '*',
    'has no rows in its table',
    'see whether models/' || entity || 's.sql selects what it should'
from empty
semi join book.modelled as modelled on modelled.name = entity || 's';
