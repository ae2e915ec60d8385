-- Refunds of charges that paid an invoice; see payments.sql for the others.
select
    refunds.id as external_id,
    charges.customer as customer_external_id,
    upper(refunds.currency) as currency,
    minor_units(refunds.amount, refunds.currency, 'stripe') as amount,
    to_timestamp(refunds.created) as validated_at,
    'CARD' as instrument,
    refunds.charge as ref_number
from refunds
join charges on charges.id = refunds.charge
join events charged
  on charged.type = 'charge.succeeded' and (charged.data ->> '$.object.id') = charges.id
join events paid
  on paid.type = 'invoice.paid' and (paid.request ->> 'id') = (charged.request ->> 'id')
where refunds.status = 'succeeded'
