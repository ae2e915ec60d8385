-- Payments and refunds name their document. Which credit went to which invoice is not among these
-- tables, only how much of each credit is used and how much each invoice was credited: within a
-- contact and currency, the oldest credit goes to the oldest credited invoice. What is open of each
-- document is exact all the same.
with invoice as (
    select null::varchar as invoice_id, null::varchar as contact_id, null::varchar as type,
           null::varchar as status, null::varchar as date, null::varchar as currency_code,
           null::varchar as amount_paid, null::varchar as amount_credited
    where false
    union all by name select * from invoice
),
payment as (
    select null::varchar as payment_id, null::varchar as invoice_id,
           null::varchar as credit_note_id, null::varchar as overpayment_id,
           null::varchar as prepayment_id, null::varchar as status, null::varchar as amount
    where false
    union all by name select * from payment
),
credit_note as (
    select null::varchar as credit_note_id, null::varchar as contact_id, null::varchar as type,
           null::varchar as status, null::varchar as date, null::varchar as currency_code,
           null::varchar as total, null::varchar as remaining_credit
    where false
    union all by name select * from credit_note
),
overpayment as (
    select null::varchar as overpayment_id, null::varchar as contact_id, null::varchar as type,
           null::varchar as status, null::varchar as date, null::varchar as currency_code,
           null::varchar as total, null::varchar as remaining_credit
    where false
    union all by name select * from overpayment
),
prepayment as (
    select null::varchar as prepayment_id, null::varchar as contact_id, null::varchar as type,
           null::varchar as status, null::varchar as date, null::varchar as currency_code,
           null::varchar as total, null::varchar as remaining_credit
    where false
    union all by name select * from prepayment
),
sold as (
    select * from invoice where type = 'ACCREC' and status in ('AUTHORISED', 'PAID')
),
paid as (
    select payment.payment_id, sold.invoice_id, minor(payment.amount, sold.currency_code) as amount
    from payment
    join sold on sold.invoice_id = payment.invoice_id
    where payment.status is distinct from 'DELETED'
),
explained as (
    select invoice_id, sum(amount) as amount from paid group by invoice_id
),
credit as (
    select 'credit_note' as entity, credit_note_id as id, contact_id, status, date, currency_code,
           total, remaining_credit
    from credit_note where type = 'ACCRECCREDIT' and status in ('AUTHORISED', 'PAID')
    union all
    select 'payment', overpayment_id, contact_id, status, date, currency_code, total,
           remaining_credit
    from overpayment where type = 'RECEIVE-OVERPAYMENT' and status in ('AUTHORISED', 'PAID')
    union all
    select 'payment', prepayment_id, contact_id, status, date, currency_code, total,
           remaining_credit
    from prepayment where type = 'RECEIVE-PREPAYMENT' and status in ('AUTHORISED', 'PAID')
),
returned as (
    select payment.payment_id, credit.entity, credit.id,
           minor(payment.amount, credit.currency_code) as amount
    from payment
    join credit on credit.id = coalesce(
        payment.credit_note_id, payment.overpayment_id, payment.prepayment_id, payment.invoice_id)
    where payment.status is distinct from 'DELETED'
),
used as (
    select credit.entity, credit.id, credit.contact_id, credit.currency_code, credit.date,
           minor(credit.total, credit.currency_code)
           - coalesce(minor(credit.remaining_credit, credit.currency_code),
                      if(credit.status = 'PAID', 0, minor(credit.total, credit.currency_code)))
           - coalesce((select sum(amount) from returned where returned.id = credit.id), 0)
               as amount
    from credit
),
given as (
    select *, sum(amount) over (partition by contact_id, currency_code order by date, id
        rows unbounded preceding) as until
    from used
    where amount > 0
),
credited as (
    select invoice_id, contact_id, currency_code, date,
           minor(amount_credited, currency_code) as amount
    from sold
),
taken as (
    select *, sum(amount) over (partition by contact_id, currency_code order by date, invoice_id
        rows unbounded preceding) as until
    from credited
    where amount > 0
)
select 'payment' as from_entity, payment_id as from_external_id,
       'invoice' as to_entity, invoice_id as to_external_id, amount
from paid

union all
select 'payment', 'paid-' || sold.invoice_id, 'invoice', sold.invoice_id,
       minor(sold.amount_paid, sold.currency_code) - coalesce(explained.amount, 0)
from sold
left join explained on explained.invoice_id = sold.invoice_id
where minor(sold.amount_paid, sold.currency_code) > coalesce(explained.amount, 0)

union all
select 'refund', payment_id, entity, id, amount from returned

union all
select given.entity, given.id, 'invoice', taken.invoice_id,
       least(given.until, taken.until)
       - greatest(given.until - given.amount, taken.until - taken.amount)
from given
join taken on taken.contact_id = given.contact_id and taken.currency_code = given.currency_code
where given.until - given.amount < taken.until and taken.until - taken.amount < given.until
