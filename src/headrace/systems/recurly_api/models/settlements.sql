-- An invoice that failed is written off, as far as nothing else settles it.
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
           null::varchar as state, null::varchar as number, null::varchar as closed_at,
           null::varchar as total, null::varchar as currency, null::varchar as credit_payments
    where false
    union all by name select * from invoices
),
invoice as (
    select id, updated_at, type, state, number, closed_at, total, currency
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
failed as (
    select invoice.*, minor(total, currency) - coalesce((
        select sum(if(type = 'refund', -1, 1) * minor(ltrim(amount, '-'), currency))
        from transaction
        where transaction.invoice_id = invoice.id and status = 'success'
          and type in ('purchase', 'capture', 'refund')), 0) - coalesce((
        select sum(minor(amount, currency)) from credit
        where applied_to_invoice_id = invoice.id and voided_at is null), 0) as rest
    from invoice
    where state = 'failed' and type is distinct from 'credit'
)
select
    id as external_id,
    id as invoice_external_id,
    'write_off' as kind,
    rest as amount,
    coalesce(closed_at, updated_at) as booked_at,
    number as ref_number
from failed
where rest > 0
