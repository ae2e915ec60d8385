-- Money that went back: payments, lines of bank statements, and the parts of journal entries that a
-- payment or credit note settles.
select
    payment.id::varchar as external_id,
    partner.commercial_partner_id as customer_external_id,
    currency.name as currency,
    minor(payment.amount, currency.name) as amount,
    payment.date as validated_at,
    payment.name as ref_number
from account_payment payment
join res_partner partner on partner.id = payment.partner_id
join res_currency currency on currency.id = payment.currency_id
where payment.payment_type = 'outbound' and payment.partner_type = 'customer'
  and payment.state in ('in_process', 'paid')

union all
select external_id, customer, currency, minor(amount, currency), date, number
from receivable_item
where entity = 'refund' and money is null and customer is not null

union all
select 'matched-' || debit.external_id, debit.customer, debit.currency,
       sum(minor(match.debit_amount, debit.currency)), debit.date, debit.number
from receivable_match match
join receivable_item debit on debit.id = match.debit and debit.entity = 'entry'
join receivable_item credit on credit.id = match.credit
where credit.entity in ('payment', 'credit_note') and debit.customer is not null
group by debit.external_id, debit.customer, debit.currency, debit.date, debit.number
