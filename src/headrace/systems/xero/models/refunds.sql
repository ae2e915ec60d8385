-- Payments of credit notes, overpayments and prepayments: money that goes back.
with payment as (
    select null::varchar as payment_id, null::varchar as invoice_id,
           null::varchar as credit_note_id, null::varchar as overpayment_id,
           null::varchar as prepayment_id, null::varchar as status, null::varchar as date,
           null::varchar as amount, null::varchar as reference
    where false
    union all by name select * from payment
),
credit_note as (
    select null::varchar as credit_note_id, null::varchar as contact_id, null::varchar as type,
           null::varchar as status, null::varchar as currency_code
    where false
    union all by name select * from credit_note
),
overpayment as (
    select null::varchar as overpayment_id, null::varchar as contact_id, null::varchar as type,
           null::varchar as status, null::varchar as currency_code
    where false
    union all by name select * from overpayment
),
prepayment as (
    select null::varchar as prepayment_id, null::varchar as contact_id, null::varchar as type,
           null::varchar as status, null::varchar as currency_code
    where false
    union all by name select * from prepayment
),
credit as (
    select credit_note_id as id, contact_id, currency_code from credit_note
    where type = 'ACCRECCREDIT' and status in ('AUTHORISED', 'PAID')
    union all
    select overpayment_id, contact_id, currency_code from overpayment
    where type = 'RECEIVE-OVERPAYMENT' and status in ('AUTHORISED', 'PAID')
    union all
    select prepayment_id, contact_id, currency_code from prepayment
    where type = 'RECEIVE-PREPAYMENT' and status in ('AUTHORISED', 'PAID')
)
select
    payment.payment_id as external_id,
    credit.contact_id as customer_external_id,
    credit.currency_code as currency,
    minor(payment.amount, credit.currency_code) as amount,
    payment.date as validated_at,
    nullif(payment.reference, '') as ref_number
from payment
-- A payment of a credit note may name it as its invoice.
join credit on credit.id = coalesce(
    payment.credit_note_id, payment.overpayment_id, payment.prepayment_id, payment.invoice_id)
where payment.status is distinct from 'DELETED'
