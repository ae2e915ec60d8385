-- Only charges that paid an invoice. A charge without one was for something that was never
-- invoiced; as a payment it would stand as the customer's credit for ever.
select
    id as external_id,
    customer as customer_external_id,
    upper(currency) as currency,
    minor_units(amount_captured, currency, 'stripe') as amount,
    to_timestamp(created) as validated_at,
    'CARD' as instrument,
    paid.invoices as ref_number
from charges
join (
    select charge, string_agg(invoice, ', ' order by invoice) as invoices from paid group by charge
) paid on paid.charge = charges.id
where status = 'succeeded'
