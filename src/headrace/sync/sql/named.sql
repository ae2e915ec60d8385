-- What people call the records that are `asked` for (entity, external_id): whose they are, their
-- number, their money. A record in error is found as well, and by each of its rows.
with documents as (
    from book.numbered
    union all
    select 'adjustment', external_id, customer_external_id, ref_number, currency, amount
    from book.adjustments
    union all
    select 'customer', external_id, external_id, null, null, null
    from book.customers
)
select
    entity, documents.external_id, coalesce(customer, ''), coalesce(customers.name, ''),
    coalesce(number, ''), coalesce(currency, ''), amount::hugeint
from documents
semi join asked using (entity, external_id)
left join book.customers as customers on customers.external_id = documents.customer;
