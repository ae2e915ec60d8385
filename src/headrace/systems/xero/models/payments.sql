with invoice as (
    select null::varchar as invoice_id, null::varchar as contact_id, null::varchar as type,
           null::varchar as status, null::varchar as date, null::varchar as currency_code,
           null::varchar as amount_paid, null::varchar as fully_paid_on_date,
           null::varchar as invoice_number
    where false
    union all by name select * from invoice
),
payment as (
    select null::varchar as payment_id, null::varchar as invoice_id, null::varchar as status,
           null::varchar as date, null::varchar as amount, null::varchar as reference
    where false
    union all by name select * from payment
),
overpayment as (
    select null::varchar as overpayment_id, null::varchar as contact_id, null::varchar as type,
           null::varchar as status, null::varchar as date, null::varchar as currency_code,
           null::varchar as total, null::varchar as reference
    where false
    union all by name select * from overpayment
),
prepayment as (
    select null::varchar as prepayment_id, null::varchar as contact_id, null::varchar as type,
           null::varchar as status, null::varchar as date, null::varchar as currency_code,
           null::varchar as total, null::varchar as reference
    where false
    union all by name select * from prepayment
),
sold as (
    select * from invoice where type = 'ACCREC' and status in ('AUTHORISED', 'PAID')
),
listed as (
    select payment.*, sold.contact_id, sold.currency_code
    from payment
    join sold on sold.invoice_id = payment.invoice_id
    where payment.status is distinct from 'DELETED'
),
explained as (
    select invoice_id, sum(minor(amount, currency_code)) as amount from listed group by invoice_id
)
select payment_id as external_id, contact_id as customer_external_id, currency_code as currency,
       minor(amount, currency_code) as amount, date as validated_at,
       nullif(reference, '') as ref_number
from listed

union all
-- What Xero counts as paid on an invoice and no row of `payment` explains.
select 'paid-' || sold.invoice_id, sold.contact_id, sold.currency_code,
       minor(sold.amount_paid, sold.currency_code) - coalesce(explained.amount, 0),
       coalesce(sold.fully_paid_on_date, sold.date), sold.invoice_number
from sold
left join explained on explained.invoice_id = sold.invoice_id
where minor(sold.amount_paid, sold.currency_code) > coalesce(explained.amount, 0)

union all
select overpayment_id, contact_id, currency_code, minor(total, currency_code), date,
       nullif(reference, '')
from overpayment
where type = 'RECEIVE-OVERPAYMENT' and status in ('AUTHORISED', 'PAID')

union all
select prepayment_id, contact_id, currency_code, minor(total, currency_code), date,
       nullif(reference, '')
from prepayment
where type = 'RECEIVE-PREPAYMENT' and status in ('AUTHORISED', 'PAID')
