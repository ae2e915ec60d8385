-- A warehouse lacks columns that never had a value: each table is read through the list of columns
-- that are needed, as text, so that a missing one is NULL and types do not matter.
-- Merging customers makes one of them inactive and moves its documents to the other. So an inactive
-- customer is left out unless it has a document.
with customer as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as active,
           null::varchar as display_name, null::varchar as company_name,
           null::varchar as parent_customer_id, null::varchar as bill_address_id
    where false
    union all by name select * from customer
),
address as (
    select null::varchar as id, null::varchar as line_1, null::varchar as line_2,
           null::varchar as line_3, null::varchar as city, null::varchar as country,
           null::varchar as country_sub_division_code, null::varchar as postal_code
    where false
    union all by name select * from address
),
invoice as (
    select null::varchar as customer_id where false union all by name select * from invoice
),
payment as (
    select null::varchar as customer_id where false union all by name select * from payment
),
document as (
    select customer_id as customer from invoice union all select customer_id from payment
)
select
    customer.id as external_id,
    coalesce(nullif(trim(customer.company_name), ''), customer.display_name, customer.id) as name,
    nullif(concat_ws(', ', address.line_1, address.line_2, address.line_3), '') as address,
    address.postal_code as zipcode,
    address.city,
    address.country_sub_division_code as state,
    coalesce(country(address.country), address.country) as country,
    -- Jobs and sub-customers are customers of their own, in the family of their parent.
    customer.parent_customer_id as parent_external_id
from customer
left join address on address.id = customer.bill_address_id
where try_cast(customer._fivetran_deleted as boolean) is distinct from true
  and (try_cast(customer.active as boolean) is distinct from false
    or customer.id in (select customer from document)
    or customer.id in (select parent_customer_id from customer))
