with
-- A refund that a credit note explains: the note names its refunds.
explained as (
    select id as credit_note, currency, item ->> 'refund' as refund,
           (item ->> 'amount_refunded')::bigint as amount
    from (
        select id, currency, unnest(refunds::json[]) as item
        from credit_notes
        where status = 'issued'
    )
    where (item ->> 'refund') is not null
),
-- A refund that none explains takes its money back from the payment, and so from the invoice.
unexplained as (
    select id as refund, charge, currency, amount
    from refunds
    where status = 'succeeded' and id not in (select refund from explained)
),
-- What a charge paid of each of its invoices, and what it had paid before that one.
parts as (
    select charges.id, charges.currency, paid.invoice, paid.amount,
           sum(paid.amount) over (partition by charges.id order by paid.id) - paid.amount as before,
           charges.amount_captured - coalesce(given_back.amount, 0) as stays
    from charges
    join paid on paid.charge = charges.id
    left join (select charge, sum(amount) as amount from unexplained group by charge) given_back
      on given_back.charge = charges.id
    where charges.status = 'succeeded'
),
links as (
    -- A charge pays its invoices, as far as it was not simply given back.
    select 'payment' as from_entity, id as from_external_id,
           'invoice' as to_entity, invoice as to_external_id, currency,
           least(amount, stays - before) as amount
    from parts
    where least(amount, stays - before) > 0

    union all
    select 'refund', unexplained.refund, 'payment', unexplained.charge, unexplained.currency,
           unexplained.amount
    from unexplained
    where charge in (select charge from paid)

    union all
    -- A note on an open invoice lowers what is due ...
    select 'credit_note', id, 'invoice', invoice, currency, pre_payment_amount
    from credit_notes
    where status = 'issued' and pre_payment_amount > 0
      and invoice in (select id from invoices where status in ('open', 'paid', 'uncollectible'))

    union all
    -- ... one on a paid invoice is paid out, here back to the card. (What it adds to the customer's
    -- balance in Stripe instead needs no row: the note just stays open.)
    select 'refund', explained.refund, 'credit_note', explained.credit_note, explained.currency,
           explained.amount
    from explained
    join refunds on refunds.id = explained.refund
    where refunds.charge in (select charge from paid)
)

-- In Stripe's minor units, as all amounts of Stripe.
select from_entity, from_external_id, to_entity, to_external_id,
       minor_units(amount, currency, 'stripe') as amount
from links
