-- Odoo matches a debit item with a credit item on the receivable account: an invoice, an outgoing
-- payment or an entry with a credit note or an incoming payment.
with match as (
    select match.id, debit.entity as debit_entity,
           if(debit.entity = 'entry', 'matched-', '') || debit.external_id as debit_id,
           credit.entity as credit_entity, credit.external_id as credit_id, debit.currency,
           debit.currency <> credit.currency as crosses, match.debit_amount as amount, credit.money,
           sum(match.credit_amount) over (
               partition by credit.external_id, credit.entity order by match.id
               rows unbounded preceding) as until
    from receivable_match match
    join receivable_item debit on debit.id = match.debit
    join receivable_item credit on credit.id = match.credit
    where debit.entity in ('invoice', 'refund', 'entry')
      and credit.entity in ('credit_note', 'payment')
),
waiting as (
    select payment, invoice, currency, money, residual,
           sum(residual) over (partition by payment order by invoice rows unbounded preceding)
               as until
    from waiting_payment
),
link as (
    select if(debit_entity = 'invoice', credit_entity, 'refund') as from_entity,
           if(debit_entity = 'invoice',
              -- In another currency than its invoice: see payments.sql.
              if(crosses and credit_entity = 'payment', 'match-' || id, credit_id), debit_id)
               as from_id,
           if(debit_entity = 'invoice', 'invoice', credit_entity) as to_entity,
           if(debit_entity = 'invoice', debit_id, credit_id) as to_id,
           currency,
           -- What goes beyond the money of a payment was written off: see settlements.sql.
           amount - if(debit_entity = 'invoice' and not crosses and money is not null,
               greatest(0, least(amount, until - money)), 0) as amount
    from match

    union all
    select 'payment', payment::varchar, 'invoice', invoice::varchar, currency,
           least(residual, money - until + residual)
    from waiting
    where until - residual < money
)
select from_entity, from_id as from_external_id, to_entity, to_id as to_external_id,
       sum(minor(amount, currency)) as amount
from link
where amount <> 0
group by all
