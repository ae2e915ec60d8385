-- Journal entries on a customer's receivable account, without the parts that settle an invoice
-- (settlements.sql) or another entry.
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
),
gone as (
    select debit as id, amount from pair
    where debit_entity = 'entry' and credit_entity = 'entry'
    union all
    select credit, -amount from pair
    where credit_entity = 'entry' and debit_entity in ('entry', 'invoice')
),
entry as (
    select *, amount - coalesce((
        select sum(gone.amount) from gone where gone.id = receivable_line.id), 0) as rest
    from receivable_line
    where id in (select id from entry_line) and journal_type not in ('cash', 'statement')
      and party in (select party from invoice)
)
select
    'entry-' || id as external_id,
    party as customer_external_id,
    currency,
    minor(rest, currency) as amount,
    date as booked_at,
    'move ' || number as ref_number
from entry
where rest <> 0
