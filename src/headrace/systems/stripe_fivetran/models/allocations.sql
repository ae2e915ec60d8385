with charge as (
    select null::varchar as id, null::varchar as livemode, null::varchar as status,
           null::varchar as captured, null::varchar as invoice_id,
           null::varchar as payment_intent_id, null::varchar as currency, null::varchar as amount
    where false
    union all by name select * from charge
),
invoice as (
    select null::varchar as id, null::varchar as is_deleted, null::varchar as status,
           null::varchar as charge_id, null::varchar as payment_intent_id
    where false
    union all by name select * from invoice
),
refund as (
    select null::varchar as id, null::varchar as status, null::varchar as charge_id,
           null::varchar as currency, null::varchar as amount
    where false
    union all by name select * from refund
),
dispute as (
    select null::varchar as id, null::varchar as status, null::varchar as charge_id,
           null::varchar as currency, null::varchar as amount
    where false
    union all by name select * from dispute
),
credit_note as (
    select null::varchar as id, null::varchar as livemode, null::varchar as status,
           null::varchar as type, null::varchar as invoice_id, null::varchar as refund_id,
           null::varchar as currency, null::varchar as total
    where false
    union all by name select * from credit_note
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
    select charge.id, charge.currency, charge.amount, pays.invoice as invoice_id
    from charge
    join pays on pays.charge = charge.id
    where charge.status = 'succeeded'
      and try_cast(charge.captured as boolean) is distinct from false
      and try_cast(charge.livemode as boolean) is distinct from false
),
note as (
    select * from credit_note
    where status = 'issued' and try_cast(livemode as boolean) is distinct from false
),
-- A refund that a credit note explains pays out the note. One that none explains takes its money
-- back from the payment, and so from the invoice; a lost dispute does the same.
explained as (
    select refund.id, note.id as note, refund.charge_id, refund.currency, refund.amount
    from refund
    join note on note.refund_id = refund.id
    where refund.status = 'succeeded'
),
unexplained as (
    select id, charge_id, currency, amount from refund
    where status = 'succeeded' and id not in (select id from explained)
    union all
    select id, charge_id, currency, amount from dispute where status = 'lost'
),
link as (
    select 'payment' as from_entity, paid.id as from_id, 'invoice' as to_entity,
           paid.invoice_id as to_id,
           minor_units(paid.amount, paid.currency, 'stripe') - coalesce((
               select sum(minor_units(amount, currency, 'stripe')) from unexplained
               where unexplained.charge_id = paid.id), 0) as amount
    from paid
    where paid.invoice_id not in (select id from invoice where status in ('draft', 'void'))

    union all
    select 'refund', unexplained.id, 'payment', unexplained.charge_id,
           minor_units(unexplained.amount, unexplained.currency, 'stripe')
    from unexplained
    join paid on paid.id = unexplained.charge_id

    union all
    select 'refund', explained.id, 'credit_note', explained.note,
           minor_units(explained.amount, explained.currency, 'stripe')
    from explained
    join paid on paid.id = explained.charge_id

    union all
    -- A note on an open invoice lowers what is due. One on a paid invoice that is not paid out adds
    -- to the customer's balance, and just stays open.
    select 'credit_note', id, 'invoice', invoice_id, minor_units(total, currency, 'stripe')
    from note
    where type = 'pre_payment'
      and invoice_id not in (select id from invoice where status in ('draft', 'void'))
)
select from_entity, from_id as from_external_id, to_entity, to_id as to_external_id, amount
from link
where amount is distinct from 0
