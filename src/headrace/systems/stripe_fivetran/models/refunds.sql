-- Refunds of charges that paid an invoice, and lost disputes: Stripe takes the money back.
with charge as (
    select null::varchar as id, null::varchar as livemode, null::varchar as status,
           null::varchar as captured, null::varchar as invoice_id,
           null::varchar as payment_intent_id, null::varchar as customer_id
    where false
    union all by name select * from charge
),
invoice as (
    select null::varchar as id, null::varchar as charge_id, null::varchar as payment_intent_id,
           null::varchar as customer_id
    where false
    union all by name select * from invoice
),
refund as (
    select null::varchar as id, null::varchar as status, null::varchar as charge_id,
           null::varchar as currency, null::varchar as amount, null::varchar as created
    where false
    union all by name select * from refund
),
dispute as (
    select null::varchar as id, null::varchar as status, null::varchar as charge_id,
           null::varchar as currency, null::varchar as amount, null::varchar as created
    where false
    union all by name select * from dispute
),
-- Which invoice a charge paid is said by the charge, by the invoice, or by the payment intent of
-- both.
pays as (
    select charge, arg_min(invoice, (rank, invoice)) as invoice
    from (
        select id as charge, invoice_id as invoice, 1 as rank from charge
        union all
        select charge_id, id, 2 from invoice
        union all
        select charge.id, invoice.id, 3
        from charge
        join invoice on invoice.payment_intent_id = charge.payment_intent_id
    )
    where charge is not null and invoice is not null
    group by charge
),
paid as (
    select charge.id, coalesce(charge.customer_id, invoice.customer_id) as customer_id
    from charge
    join pays on pays.charge = charge.id
    left join invoice on invoice.id = pays.invoice
    where charge.status = 'succeeded'
      and try_cast(charge.captured as boolean) is distinct from false
      and try_cast(charge.livemode as boolean) is distinct from false
),
given_back as (
    select id, charge_id, currency, amount, created from refund where status = 'succeeded'
    union all
    select id, charge_id, currency, amount, created from dispute where status = 'lost'
)
select
    given_back.id as external_id,
    paid.customer_id as customer_external_id,
    upper(given_back.currency) as currency,
    minor_units(given_back.amount, given_back.currency, 'stripe') as amount,
    given_back.created as validated_at,
    given_back.charge_id as ref_number
from given_back
join paid on paid.id = given_back.charge_id
