-- A customer has one field for e-mail addresses, often with several: the first is the main contact
-- and has the customer's person and telephone.
with customers as (
    select null::varchar as Id, null::varchar as Active, null::varchar as PrimaryEmailAddr,
           null::varchar as GivenName, null::varchar as FamilyName, null::varchar as PrimaryPhone,
           null::varchar as Mobile
    where false
    union all by name select * from customers
),
customer as (
    select Id as id,
           Id in (select Id from deleted_objects where Type = 'Customer') as gone,
           Active as active, PrimaryEmailAddr ->> 'Address' as email, GivenName as given_name,
           FamilyName as family_name, PrimaryPhone ->> 'FreeFormNumber' as phone_number,
           Mobile ->> 'FreeFormNumber' as mobile_number
    from customers
),
invoices as (
    select null::varchar as Id, null::varchar as CustomerRef
    where false
    union all by name select * from invoices
),
invoice as (
    select CustomerRef ->> 'value' as customer_id
    from invoices
),
payments as (
    select null::varchar as Id, null::varchar as CustomerRef, null::varchar as Line
    where false
    union all by name select * from payments
),
payment as (
    select CustomerRef ->> 'value' as customer_id
    from payments
),
document as (
    select customer_id as customer from invoice union all select customer_id from payment
),
address as (
    select *, unnest(emails(email)) as found, generate_subscripts(emails(email), 1) as place
    from customer
    where not gone
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
