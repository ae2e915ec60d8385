-- How much of each document is settled is known, not by which payment. Credits and advances that
-- a customer has used go to its settled invoices, the oldest first; what is left of an invoice's
-- settled amount was paid in money: one payment for each invoice. Advances are payments.
select
    'paid-' || id as external_id,
    customerid as customer_external_id,
    currency,
    amount - coalesce((select sum(amount) from link where taker = stretch.id), 0) as amount,
    whenpaid as validated_at,
    recordid as ref_number
from stretch
where entity = 'invoice'
  and amount > coalesce((select sum(amount) from link where taker = stretch.id), 0)

union all
select id, customerid, currency, entered, whencreated, recordid
from settled
where entity = 'payment'
