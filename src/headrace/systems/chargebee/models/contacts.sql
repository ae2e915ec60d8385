-- The customer's own address is the main one; its other contacts follow.
with customers as (
    select null::varchar as id, null::varchar as deleted, null::varchar as email,
           null::varchar as first_name, null::varchar as last_name, null::varchar as phone,
           null::varchar as contacts
    where false
    union all by name select * from customers
),
other as (
    select id as customer, unnest(from_json(contacts, '["JSON"]')) as person
    from customers
    where try_cast(deleted as boolean) is distinct from true
),
reached as (
    select id as customer, id || '-contact' as id, email, first_name, last_name, phone,
           true as is_main
    from customers
    where try_cast(deleted as boolean) is distinct from true
    union all
    select customer, person ->> 'id', person ->> 'email', person ->> 'first_name',
           person ->> 'last_name', person ->> 'phone', false
    from other
    where try_cast(person ->> 'enabled' as boolean) is distinct from false
)
select
    customer as customer_external_id,
    id as external_id,
    email,
    first_name,
    last_name,
    phone,
    is_main
from reached
where nullif(trim(email), '') is not null
qualify row_number() over (partition by customer, lower(email) order by is_main desc, id) = 1
