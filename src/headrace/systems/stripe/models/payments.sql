-- Only charges that paid an invoice. A charge without one was for something that was never
-- invoiced; as a payment it would stand as the customer's credit for ever.
--
-- Which charge paid which invoice: today's Stripe answers that at /v1/invoice_payments. This export
-- has none of those, but its events tell: paying the invoice and charging the card happened in one
-- request, whose id both events carry.
with paid as (
    select request ->> 'id' as request, data ->> '$.object.id' as invoice
    from events where type = 'invoice.paid'
),
charged as (
    select request ->> 'id' as request, data ->> '$.object.id' as charge
    from events where type = 'charge.succeeded'
)
select
    charges.id as external_id,
    charges.customer as customer_external_id,
    upper(charges.currency) as currency,
    minor_units(charges.amount_captured, charges.currency, 'stripe') as amount,
    to_timestamp(charges.created) as validated_at,
    'CARD' as instrument,
    paid.invoice as ref_number
from charges
join charged on charged.charge = charges.id
join paid on paid.request = charged.request
where charges.status = 'succeeded'
