-- What was used of a credit or an advance and went to no invoice was paid back.
select
    'paid-' || id as external_id,
    customerid as customer_external_id,
    currency,
    amount - coalesce((
        select sum(amount) from link where giver = stretch.id and entity = stretch.entity), 0)
        as amount,
    whenpaid as validated_at,
    recordid as ref_number
from stretch
where entity <> 'invoice' and amount > coalesce((
    select sum(amount) from link where giver = stretch.id and entity = stretch.entity), 0)
