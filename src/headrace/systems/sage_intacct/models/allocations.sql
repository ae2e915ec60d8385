-- See payments.sql.
select entity as from_entity, giver as from_external_id,
       'invoice' as to_entity, taker as to_external_id, amount
from link

union all
select 'payment', 'paid-' || id, 'invoice', id,
       amount - coalesce((select sum(amount) from link where taker = stretch.id), 0)
from stretch
where entity = 'invoice'
  and amount > coalesce((select sum(amount) from link where taker = stretch.id), 0)

union all
select 'refund', 'paid-' || id, entity, id, amount - coalesce((
    select sum(amount) from link where giver = stretch.id and entity = stretch.entity), 0)
from stretch
where entity <> 'invoice' and amount > coalesce((
    select sum(amount) from link where giver = stretch.id and entity = stretch.entity), 0)
