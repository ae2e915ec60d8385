-- Stripe writes countries as codes, the API wants names.
select
    customers.id as external_id,
    coalesce(customers.name, email, id) as name,
    metadata ->> 'erp_ref' as accounting_ref,
    concat_ws(', ', address ->> 'line1', address ->> 'line2') as address,
    address ->> 'postal_code' as zipcode,
    address ->> 'city' as city,
    address ->> 'state' as state,
    country_name(address ->> 'country') as country
from customers
