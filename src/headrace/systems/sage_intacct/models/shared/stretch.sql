select *, sum(amount) over (
    partition by customerid, currency, entity = 'invoice'
    order by whencreated, id rows unbounded preceding) as until
from settled
where amount > 0
