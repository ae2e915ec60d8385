with paid as (
    select charged.data ->> '$.object.id' as charge, paid.data ->> '$.object.id' as invoice
    from events charged
    join events paid on (paid.request ->> 'id') = (charged.request ->> 'id')
    where charged.type = 'charge.succeeded' and paid.type = 'invoice.paid'
),
-- A refund that a credit note explains: the note names its refunds.
explained as (
    select id as credit_note, item ->> 'refund' as refund,
           (item ->> 'amount_refunded')::bigint as amount
    from (select id, unnest(refunds::json[]) as item from credit_notes where status = 'issued')
    where (item ->> 'refund') is not null
),
-- A refund that none explains takes its money back from the payment, and so from the invoice.
unexplained as (
    select id as refund, charge, amount
    from refunds
    where status = 'succeeded' and id not in (select refund from explained)
)

-- A charge pays its invoice, as far as it was not simply given back.
select 'payment' as from_entity, charges.id as from_external_id,
       'invoice' as to_entity, paid.invoice as to_external_id,
       charges.amount_captured - coalesce(sum(unexplained.amount), 0) as amount
from charges
join paid on paid.charge = charges.id
left join unexplained on unexplained.charge = charges.id
where charges.status = 'succeeded'
group by charges.id, paid.invoice, charges.amount_captured
having charges.amount_captured > coalesce(sum(unexplained.amount), 0)

union all
select 'refund', unexplained.refund, 'payment', unexplained.charge, unexplained.amount
from unexplained
join paid on paid.charge = unexplained.charge

union all
-- A note on an open invoice lowers what is due ...
select 'credit_note', id, 'invoice', invoice, pre_payment_amount
from credit_notes
where status = 'issued' and pre_payment_amount > 0
  and invoice in (select id from invoices where status in ('open', 'paid', 'uncollectible'))

union all
-- ... one on a paid invoice is paid out, here back to the card. (What it adds to the customer's
-- balance in Stripe instead needs no row: the note just stays open.)
select 'refund', explained.refund, 'credit_note', explained.credit_note, explained.amount
from explained
join refunds on refunds.id = explained.refund
join paid on paid.charge = refunds.charge
