-- A customer has one field for e-mail addresses, often with several: the first is the main contact
-- and has the customer's person and telephone.
with customer as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as active,
           null::varchar as email, null::varchar as given_name, null::varchar as family_name,
           null::varchar as phone_number, null::varchar as mobile_number
    where false
    union all by name select * from customer
),
invoice as (
    select null::varchar as customer_id where false union all by name select * from invoice
),
payment as (
    select null::varchar as customer_id where false union all by name select * from payment
),
document as (
    select customer_id as customer from invoice union all select customer_id from payment
),
address as (
    select *, unnest(emails(email)) as found, generate_subscripts(emails(email), 1) as place
    from customer
    where try_cast(_fivetran_deleted as boolean) is distinct from true
      and (try_cast(active as boolean) is distinct from false
        or id in (select customer from document))
)
select
    id as customer_external_id,
    id || '-' || lower(found) as external_id,
    found as email,
    if(place = 1, given_name, null) as first_name,
    if(place = 1, family_name, null) as last_name,
    if(place = 1, coalesce(phone_number, mobile_number), null) as phone,
    place = 1 as is_main
from address
