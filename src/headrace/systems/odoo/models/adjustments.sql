-- What is left of journal entries on a customer's receivable account when the parts are taken off
-- that settle an invoice (settlements.sql), that a payment or credit note settles (refunds.sql), or
-- that other entries settle.
with part as (
    select debit.id, match.debit_amount as amount
    from receivable_match match
    join receivable_item debit on debit.id = match.debit
    join receivable_item credit on credit.id = match.credit
    where debit.entity = 'entry' and credit.entity in ('entry', 'payment', 'credit_note')
    union all
    select credit.id, -match.credit_amount
    from receivable_match match
    join receivable_item debit on debit.id = match.debit
    join receivable_item credit on credit.id = match.credit
    where credit.entity = 'entry' and debit.entity in ('entry', 'invoice')
),
entry as (
    select *, amount - coalesce((
        select sum(part.amount) from part where part.id = receivable_item.id), 0) as rest
    from receivable_item
    where entity = 'entry' and customer is not null
)
select
    external_id,
    customer as customer_external_id,
    currency,
    minor(rest, currency) as amount,
    date as booked_at,
    number as ref_number
from entry
where rest <> 0
