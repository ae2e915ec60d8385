-- In process: registered, not yet seen on a bank statement. It settles its invoice all the same.
-- As far as a payment pays an invoice in another currency, it becomes a payment in the invoice's
-- currency: Upflow links within one currency only.
with crossing as (
    select match.id, match.date, match.debit_amount, match.credit_amount, debit.currency,
           credit.external_id, credit.customer, credit.number
    from receivable_match match
    join receivable_item debit on debit.id = match.debit and debit.entity = 'invoice'
    join receivable_item credit on credit.id = match.credit and credit.entity = 'payment'
    where debit.currency <> credit.currency
),
money as (
    select payment.id::varchar as external_id, partner.commercial_partner_id as customer,
           currency.name as currency, payment.amount, payment.date, payment.name as number
    from account_payment payment
    join res_partner partner on partner.id = payment.partner_id
    join res_currency currency on currency.id = payment.currency_id
    where payment.payment_type = 'inbound' and payment.partner_type = 'customer'
      and payment.state in ('in_process', 'paid')

    union all
    select external_id, customer, currency, -amount, date, number
    from receivable_item
    where entity = 'payment' and money is null and customer is not null
),
kept as (
    select money.*, money.amount - coalesce((
        select sum(credit_amount) from crossing
        where crossing.external_id = money.external_id), 0) as rest
    from money
)
select
    external_id,
    customer as customer_external_id,
    currency,
    minor(rest, currency) as amount,
    date as validated_at,
    number as ref_number
from kept
where rest > 0

union all
select 'match-' || id, customer, currency, minor(debit_amount, currency), date, number
from crossing
