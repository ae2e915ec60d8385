-- Lines on the receivable account that Tryton lists as paying an invoice, and those of cash and
-- bank journals. (A line of another invoice's move is a credit note, see allocations.sql.)
select
    id as external_id,
    party as customer_external_id,
    currency,
    minor(-amount, currency) as amount,
    date as validated_at,
    'move ' || number as ref_number
from receivable_line
where amount < 0 and move not in (select move from invoice)
  and (id in (select line from payment_line)
    or (id in (select id from entry_line) and journal_type in ('cash', 'statement')
      and party in (select party from invoice)))
