-- The settlements of an invoice, in the order of their dates, may not pass its gross amount.
with totals as (
    select to_external_id, sum(amount) as total
    from book.allocations as allocation
    semi join book.examined_allocations as examined
        on examined.to_entity = 'invoice' and examined.to_external_id = allocation.to_external_id
    where to_entity = 'invoice'
    group by to_external_id
),
passed as (
    select totals.to_external_id, invoice.amount as gross_amount, invoice.currency
    from totals
    join book.examined_documents as invoice
        on invoice.entity = 'invoice'
        and invoice.external_id = totals.to_external_id
        and totals.total > invoice.amount
),
excess as (
    select allocation.*, passed.gross_amount, passed.currency
    from book.allocations as allocation
    join passed using (to_external_id)
    where to_entity = 'invoice'
),
dates as (
    select 'payment' as entity, external_id, validated_at as moment
    from book.payments
    semi join excess on excess.from_external_id = external_id
    union all
    select 'credit_note', external_id, issued_at
    from book.credit_notes
    semi join excess on excess.from_external_id = external_id
),
running as (
    select
        excess.*,
        sum(excess.amount) over (
            partition by excess.to_external_id order by dates.moment, excess.from_external_id
        ) as so_far
    from excess
    left join dates
        on dates.entity = excess.from_entity and dates.external_id = excess.from_external_id
)
select
    'error',
    from_entity,
    from_external_id,
    'brings the allocations of invoice ' || to_external_id || ' to ' || money(so_far, currency)
        || ', over its ' || money(gross_amount, currency),
    'lower the allocations or correct the invoice''s gross_amount in the source'
from running
where so_far > gross_amount;
