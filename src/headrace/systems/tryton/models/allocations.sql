-- Tryton lists the lines that pay an invoice, and no amounts: a line pays with all of it. What else
-- settles a document shares a reconciliation with it. Those add up to zero: what listed lines leave
-- of an invoice goes to credit notes first, then to money and last to other entries, in order.
with side as (
    select reconciliation, currency, id, amount > 0 as debit, abs(amount) as amount,
           case rank
               when 1 then if(amount > 0, 'invoice', 'credit_note')
               when 2 then if(amount > 0, 'refund', 'payment')
               else 'entry'
           end as entity,
           sum(abs(amount)) over (
               partition by reconciliation, currency, amount > 0 order by rank, id
               rows unbounded preceding) as until
    from part
    where amount <> 0
),
pair as (
    select taken.entity as debit_entity, taken.id as debit, given.entity as credit_entity,
           given.id as credit, given.currency,
           least(given.until, taken.until)
           - greatest(given.until - given.amount, taken.until - taken.amount) as amount
    from side given
    join side taken
      on taken.reconciliation = given.reconciliation and taken.currency = given.currency
    where taken.debit and not given.debit
      and given.until - given.amount < taken.until and taken.until - taken.amount < given.until
)
select
    if(amount < 0, 'payment', 'refund') as from_entity,
    id as from_external_id,
    if(amount < 0, 'invoice', 'credit_note') as to_entity,
    invoice as to_external_id,
    minor(abs(amount), currency) as amount
from listed

union all
select
    if(debit_entity = 'invoice', credit_entity, debit_entity),
    if(debit_entity = 'invoice', credit, debit),
    if(debit_entity = 'invoice', debit_entity, credit_entity),
    if(debit_entity = 'invoice', debit, credit),
    sum(minor(amount, currency))
from pair
where debit_entity <> 'entry' and credit_entity <> 'entry'
group by all
