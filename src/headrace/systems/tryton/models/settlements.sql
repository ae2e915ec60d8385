-- Journal entries that share a reconciliation with an invoice, such as those of Tryton's write-off
-- methods, as far as payments and credit notes leave something of the invoice: see allocations.sql.
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
    pair.credit || '-' || pair.debit as external_id,
    pair.debit as invoice_external_id,
    'write_off' as kind,
    minor(pair.amount, pair.currency) as amount,
    line.date as booked_at,
    'move ' || line.number as ref_number
from pair
join receivable_line line on line.id = pair.credit
where pair.debit_entity = 'invoice' and pair.credit_entity = 'entry'
