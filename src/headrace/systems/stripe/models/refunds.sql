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
where refunds.status = 'succeeded' and charges.id in (select charge from paid)
