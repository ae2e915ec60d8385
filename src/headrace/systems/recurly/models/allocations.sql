-- A refund pays out its credit invoice. Where it has none, it takes back the payment, which then no
-- longer pays its invoice.
with transaction as (
    select null::varchar as id, null::varchar as invoice_id,
           null::varchar as original_transaction_id, null::varchar as type, null::varchar as status,
           null::varchar as currency, null::varchar as amount
    where false
    union all by name select * from transaction
),
invoice_history as (
    select null::varchar as id, null::varchar as updated_at, null::varchar as _fivetran_synced,
           null::varchar as type, null::varchar as state, null::varchar as total,
           null::varchar as currency
    where false
    union all by name select * from invoice_history
),
credit_payment_history as (
    select null::varchar as id, null::varchar as updated_at, null::varchar as _fivetran_synced,
           null::varchar as applied_to_invoice_id, null::varchar as original_invoice_id,
           null::varchar as currency, null::varchar as amount, null::varchar as voided_at
    where false
    union all by name select * from credit_payment_history
),
invoice as (
    select * from invoice_history
    qualify row_number() over (
        partition by id
        order by try_cast(updated_at as timestamp) desc, _fivetran_synced desc
    ) = 1
),
credit as (
    select * from credit_payment_history
    qualify row_number() over (
        partition by id
        order by try_cast(updated_at as timestamp) desc, _fivetran_synced desc
    ) = 1
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
