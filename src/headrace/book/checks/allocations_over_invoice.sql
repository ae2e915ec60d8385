-- The settlements of an invoice, in the order of their dates, may not pass its gross amount.
with allocated as (
    select allocation.*, sum(amount) over (partition by to_external_id) as total
    from book.allocations as allocation
    semi join book.examined_allocations as examined
        on examined.to_entity = 'invoice' and examined.to_external_id = allocation.to_external_id
    where allocation.to_entity = 'invoice'
),
running as (
    select
        allocation.* exclude (total),
        invoice.gross_amount,
        invoice.currency,
        sum(allocation.amount) over (
            partition by allocation.to_external_id
            order by coalesce(payment.validated_at, note.issued_at), allocation.from_external_id
        ) as so_far
    from allocated as allocation
    join book.invoices as invoice
        on invoice.external_id = allocation.to_external_id
        and allocation.total > invoice.gross_amount
    left join book.payments as payment
        on allocation.from_entity = 'payment' and payment.external_id = allocation.from_external_id
    left join book.credit_notes as note
        on allocation.from_entity = 'credit_note' and note.external_id = allocation.from_external_id
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
