-- Stripe knows one e-mail address for each customer, and no person's name.
with customer as (
    select null::varchar as id, null::varchar as is_deleted, null::varchar as livemode,
           null::varchar as email, null::varchar as phone
    where false
    union all by name select * from customer
)
select
    id as customer_external_id,
    id || '-contact' as external_id,
    email,
    phone,
    true as is_main
from customer
where nullif(trim(email), '') is not null
  and try_cast(livemode as boolean) is distinct from false
  and try_cast(is_deleted as boolean) is distinct from true
