-- Each table is read through the list of fields that are needed, as text: one that no object has is
-- NULL, and types do not matter. Nested values are JSON. A vis_state of 1 marks deleted objects,
-- and 2 archived ones, which still count.
with clients as (
    select null::varchar as id, null::varchar as vis_state, null::varchar as organization,
           null::varchar as fname, null::varchar as lname, null::varchar as email,
           null::varchar as vat_number, null::varchar as p_street, null::varchar as p_street2,
           null::varchar as p_city, null::varchar as p_province, null::varchar as p_code,
           null::varchar as p_country
    where false
    union all by name select * from clients
),
invoices as (
    select null::varchar as customerid, null::varchar as vis_state where false
    union all by name select * from invoices
)
select
    id as external_id,
    coalesce(
        nullif(organization, ''), nullif(trim(concat_ws(' ', fname, lname)), ''),
        nullif(email, ''), id) as name,
    nullif(vat_number, '') as vat_number,
    nullif(concat_ws(', ', nullif(p_street, ''), nullif(p_street2, '')), '') as address,
    nullif(p_code, '') as zipcode,
    nullif(p_city, '') as city,
    nullif(p_province, '') as state,
    coalesce(country(p_country), nullif(p_country, '')) as country
from clients
where vis_state is distinct from '1'
   or id in (select customerid from invoices where vis_state is distinct from '1')
