-- In process: registered, not yet seen on a bank statement. It settles its invoice all the same.
select
    payment.id as external_id,
    partner.commercial_partner_id as customer_external_id,
    currency.name as currency,
    minor(payment.amount, currency.name) as amount,
    payment.date as validated_at,
    payment.name as ref_number
from account_payment payment
join res_partner partner on partner.id = payment.partner_id
join res_currency currency on currency.id = payment.currency_id
where payment.payment_type = 'inbound' and payment.partner_type = 'customer'
  and payment.state in ('in_process', 'paid')
