-- A warehouse lacks columns that never had a value: each table is read through the list of columns
-- that are needed, as text, so that a missing one is NULL and types do not matter. Objects of the
-- test mode are left out everywhere.
-- A deleted customer that was ever invoiced stays.
with customer as (
    select null::varchar as id, null::varchar as is_deleted, null::varchar as livemode,
           null::varchar as name, null::varchar as email, null::varchar as address_line_1,
           null::varchar as address_line_2, null::varchar as address_city,
           null::varchar as address_state, null::varchar as address_postal_code,
           null::varchar as address_country, null::varchar as tax_info_tax_id
    where false
    union all by name select * from customer
),
invoice as (
    select null::varchar as customer_id, null::varchar as status where false
    union all by name select * from invoice
)
select
    id as external_id,
    coalesce(nullif(name, ''), nullif(email, ''), id) as name,
    tax_info_tax_id as vat_number,
    nullif(concat_ws(', ', address_line_1, address_line_2), '') as address,
    address_postal_code as zipcode,
    address_city as city,
    address_state as state,
    coalesce(country(address_country), address_country) as country
from customer
where try_cast(livemode as boolean) is distinct from false
  and (try_cast(is_deleted as boolean) is distinct from true
    or id in (select customer_id from invoice where status is distinct from 'draft'))
