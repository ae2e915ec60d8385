-- Which charge paid which invoice, and how much of it: one row for each pair.
--
-- Stripe says so at /v1/invoice_payments, by the charge or by its payment intent. An export without
-- those has it in its events: paying the invoice and charging the card happened in one request,
-- whose id both events carry.
with named as (
    select charges.id as charge, item.invoice, item.amount_paid::bigint as amount, item.id
    from invoice_payments item
    join charges
      on charges.id = (item.payment ->> 'charge')
      or (charges.payment_intent = (item.payment ->> 'payment_intent')
          and charges.status = 'succeeded')
    where item.status = 'paid'
),
seen as (
    select charged.data ->> '$.object.id' as charge, paid.data ->> '$.object.id' as invoice,
           charged.id
    from events charged
    join events paid on (paid.request ->> 'id') = (charged.request ->> 'id')
    where charged.type = 'charge.succeeded' and paid.type = 'invoice.paid'
),
pairs as (
    select charge, invoice, amount, id from named
    union all
    select seen.charge, seen.invoice, charges.amount_captured, seen.id
    from seen
    join charges on charges.id = seen.charge
    where seen.charge not in (select charge from named)
)
select charge, invoice, max(amount) as amount, min(id) as id
from pairs
group by charge, invoice
