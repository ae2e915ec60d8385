-- A refund pays out its credit invoice. Where it has none, it takes back the payment, which then no
-- longer pays its invoice.
with given_transactions as (
    select null::varchar as id, null::varchar as invoice, null::varchar as original_transaction_id,
           null::varchar as type, null::varchar as status, null::varchar as currency,
           null::varchar as amount
    where false
    union all by name select * from transactions
),
transaction as (
    select id, invoice ->> 'id' as invoice_id, original_transaction_id, type, status, currency,
           amount
    from given_transactions
),
given_invoices as (
    select null::varchar as id, null::varchar as updated_at, null::varchar as type,
           null::varchar as state, null::varchar as total, null::varchar as currency,
           null::varchar as credit_payments
    where false
    union all by name select * from invoices
),
invoice as (
    select id, updated_at, type, state, total, currency
    from given_invoices
),
credit_item as (
    select unnest(from_json(credit_payments, '["JSON"]')) as item from given_invoices
),
credit as (
    -- Both invoices of a credit payment bring it.
    select distinct item ->> 'id' as id,
           item -> 'applied_to_invoice' ->> 'id' as applied_to_invoice_id,
           item -> 'original_invoice' ->> 'id' as original_invoice_id,
           item ->> 'currency' as currency, item ->> 'amount' as amount,
           item ->> 'voided_at' as voided_at
    from credit_item
),
note as (
    select id from invoice where type = 'credit' or starts_with(total, '-')
),
given_back as (
    select id, invoice_id, original_transaction_id, minor(ltrim(amount, '-'), currency) as amount,
           coalesce(invoice_id in (select id from note), false) as pays_out
    from transaction
    where type = 'refund' and status = 'success'
),
kept as (
    select payment.id, payment.invoice_id,
           minor(payment.amount, payment.currency) - coalesce((
               select sum(amount) from given_back
               where original_transaction_id = payment.id and not pays_out), 0) as amount
    from transaction payment
    where payment.type in ('purchase', 'capture') and payment.status = 'success'
)
select 'payment' as from_entity, id as from_external_id,
       'invoice' as to_entity, invoice_id as to_external_id, amount
from kept
where invoice_id is not null and amount is distinct from 0
  and invoice_id not in (select id from invoice where state = 'voided')

union all
select 'refund', id, if(pays_out, 'credit_note', 'payment'),
       if(pays_out, invoice_id, original_transaction_id), amount
from given_back
where pays_out or original_transaction_id is not null

union all
select 'credit_note', original_invoice_id, 'invoice', applied_to_invoice_id,
       sum(minor(amount, currency))
from credit
where voided_at is null and original_invoice_id is not null and applied_to_invoice_id is not null
group by original_invoice_id, applied_to_invoice_id
