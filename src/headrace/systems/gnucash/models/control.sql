-- What the book's own receivable accounts say of each customer: the sum of all splits, whatever
-- made them. It takes neither invoices nor lots into account, so that it can show what the other
-- models misread.
select
    customer_guid as customer_external_id,
    currency,
    sum(minor_of_fraction(amount_num, amount_denom, currency)) as balance
from receivable
where customer_guid in (select guid from customers)
group by all
