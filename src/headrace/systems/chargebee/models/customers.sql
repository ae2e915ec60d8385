-- Each table is read through the list of fields that are needed, as text: one that no object has is
-- NULL, and types do not matter. Nested values are JSON.
with customers as (
    select null::varchar as id, null::varchar as deleted, null::varchar as company,
           null::varchar as first_name, null::varchar as last_name, null::varchar as email,
           null::varchar as vat_number, null::varchar as billing_address,
           null::varchar as relationship
    where false
    union all by name select * from customers
),
invoices as (
    select null::varchar as customer_id where false
    union all by name select * from invoices
)
select
    id as external_id,
    coalesce(
        nullif(company, ''), nullif(trim(concat_ws(' ', first_name, last_name)), ''),
        nullif(email, ''), id) as name,
    vat_number,
    nullif(concat_ws(', ', billing_address ->> 'line1', billing_address ->> 'line2',
                     billing_address ->> 'line3'), '') as address,
    billing_address ->> 'zip' as zipcode,
    billing_address ->> 'city' as city,
    billing_address ->> 'state' as state,
    coalesce(country(billing_address ->> 'country'), billing_address ->> 'country') as country,
    nullif(relationship ->> 'parent_id', id) as parent_external_id
from customers
-- Chargebee keeps invoices of deleted customers, and what they owe.
where try_cast(deleted as boolean) is distinct from true
   or id in (select customer_id from invoices)
