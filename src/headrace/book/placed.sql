-- Every record with its customer, its money, its date and whether anything of it is open.
create or replace view book.placed as
select
    'customer' as entity, external_id, external_id as customer,
    null::varchar as currency, null::bigint as amount, null::timestamp as moment, false as open
from book.customers
union all
select
    'invoice', invoice.external_id, customer_external_id, currency, gross_amount, issued_at,
    gross_amount > coalesce(settled.amount, 0) + coalesce(fix.amount, 0)
from book.invoices as invoice
left join book.allocated_to as settled
    on settled.entity = 'invoice' and settled.external_id = invoice.external_id
left join (
    select invoice_external_id, amount from book.fixes
) as fix on fix.invoice_external_id = invoice.external_id
union all
select
    'credit_note', note.external_id, customer_external_id, currency, gross_amount, issued_at,
    gross_amount > coalesce(used.amount, 0) + coalesce(refunded.amount, 0)
from book.credit_notes as note
left join book.allocated_from as used
    on used.entity = 'credit_note' and used.external_id = note.external_id
left join book.allocated_to as refunded
    on refunded.entity = 'credit_note' and refunded.external_id = note.external_id
union all
select
    'payment', payment.external_id, customer_external_id, currency, payment.amount, validated_at,
    origin <> 'fix' and payment.amount > coalesce(used.amount, 0) + coalesce(refunded.amount, 0)
from book.all_payments as payment
left join book.allocated_from as used
    on used.entity = 'payment' and used.external_id = payment.external_id
left join book.allocated_to as refunded
    on refunded.entity = 'payment' and refunded.external_id = payment.external_id
union all
select
    'refund', refund.external_id, customer_external_id, currency, refund.amount, validated_at,
    refund.amount > coalesce(used.amount, 0)
from book.all_refunds as refund
left join book.allocated_from as used
    on used.entity = 'refund' and used.external_id = refund.external_id;
