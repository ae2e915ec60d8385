-- An external id names one record of its entity; two would overwrite each other (guide, Import).
with named(entity, external_id) as (
    select 'customer', external_id from book.customers
    union all
    select 'invoice', external_id from book.invoices
    union all
    select 'credit_note', external_id from book.credit_notes
    union all
    select 'payment', external_id from book.all_payments
    union all
    select 'refund', external_id from book.all_refunds
)
select
    'error',
    entity,
    external_id,
    'stands ' || count(*) || ' times in the table ' || entity || 's (adjustments included)',
    'make external_id unique in the model: use the source''s primary key'
from named
semi join book.touched as touched using (entity, external_id)
group by entity, external_id
having count(*) > 1;
