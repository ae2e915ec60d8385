-- Collected money that may be at the API twice: a similar record was sent as a new one when the
-- collected one already existed, and nobody has declared them to be two.
create or replace table plan.doubles as
with money as (
    select 'payment' as entity, external_id, customer_external_id as customer, currency, amount,
        validated_at::date as day
    from book.all_payments
    where origin = 'payment'
    union all
    select 'refund', external_id, customer_external_id, currency, amount, validated_at::date
    from book.all_refunds
    where origin = 'refund'
)
select collected.entity, collected.id, min(money.external_id) as booked
from plan.api_collected as collected
join money using (entity, currency, amount)
join plan.api_created as sent
    on sent.entity = money.entity and sent.external_id = money.external_id
    and sent.created_at >= collected.created_at
left join book.roots as booked_root on booked_root.external_id = money.customer
left join book.roots as collected_root on collected_root.external_id = collected.customer
anti join plan.kept_apart as apart
    on apart.entity = collected.entity
    and (
        (apart.external_id in ('', money.external_id) and apart.id = collected.id)
        or (apart.external_id = money.external_id and apart.id = '')
    )
where coalesce(booked_root.root, money.customer)
        = coalesce(collected_root.root, collected.customer)
  and abs(date_diff('day', try_cast(collected.day as date), money.day)) <= $days
group by collected.entity, collected.id;
