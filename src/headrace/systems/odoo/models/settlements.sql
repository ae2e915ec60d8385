-- What settles an invoice and is no money: journal entries that are matched with it, and the part
-- of a payment's item that is more than its money, because it was written off with the payment.
with match as (
    select match.id, match.date, debit.external_id as invoice, debit.currency,
           credit.id as item, credit.entity, credit.number, match.debit_amount as amount,
           sum(match.credit_amount) over (
               partition by credit.external_id, credit.entity order by match.id
               rows unbounded preceding) as until,
           credit.money, match.credit_amount, credit.currency as credit_currency
    from receivable_match match
    join receivable_item debit on debit.id = match.debit and debit.entity = 'invoice'
    join receivable_item credit on credit.id = match.credit
    where credit.entity in ('entry', 'payment')
),
settled as (
    select *, if(entity = 'entry', amount, greatest(0, least(credit_amount, until - money))) as part
    from match
    where entity = 'entry' or (money is not null and currency = credit_currency)
)
select
    'match-' || id as external_id,
    invoice as invoice_external_id,
    'write_off' as kind,
    minor(part, currency) as amount,
    date as booked_at,
    number as ref_number
from settled
where part > 0
