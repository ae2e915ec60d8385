-- A payment is a transaction: one split on the bank account, and one on the receivable account for
-- each lot that it pays. What was paid too much lies in a lot of its own and counts all the same.
select
    transaction_guid as external_id,
    customer_guid as customer_external_id,
    currency,
    -sum(minor_of_fraction(amount_num, amount_denom, currency)) as amount,
    posted_on as validated_at,
    nullif(number, '') as ref_number
from receivable
where kind = 'P' and customer_guid in (select guid from customers)
group by all
having sum(amount_num) < 0
