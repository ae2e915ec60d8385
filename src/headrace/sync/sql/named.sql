-- What people call the records that are `asked` for (entity, external_id): whose they are, their
-- number, their money. A record in error is found as well, and by each of its rows.
with documents as (
    select
        'invoice' as entity, external_id, customer_external_id as customer, custom_id as number,
        currency, gross_amount as amount
    from book.invoices
    union all
    select 'credit_note', external_id, customer_external_id, custom_id, currency, gross_amount
    from book.credit_notes
    union all
    select 'payment', external_id, customer_external_id, ref_number, currency, amount
    from book.all_payments
    union all
    select 'refund', external_id, customer_external_id, ref_number, currency, amount
    from book.all_refunds
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
