select given.entity, given.id as giver, taken.id as taker,
       least(given.until, taken.until)
       - greatest(given.until - given.amount, taken.until - taken.amount) as amount
from stretch given
join stretch taken
  on taken.customerid = given.customerid and taken.currency = given.currency
 and taken.entity = 'invoice'
where given.entity <> 'invoice'
  and given.until - given.amount < taken.until and taken.until - taken.amount < given.until
