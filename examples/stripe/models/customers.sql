-- Stripe writes countries as codes, the API wants names: add those that your customers need.
with countries (code, name) as (
    values ('DE', 'Germany'), ('ES', 'Spain'), ('FR', 'France'), ('GB', 'United Kingdom'),
           ('US', 'United States')
)
select
    customers.id as external_id,
    coalesce(customers.name, email, id) as name,
    metadata ->> 'erp_ref' as accounting_ref,
    concat_ws(', ', address ->> 'line1', address ->> 'line2') as address,
    address ->> 'postal_code' as zipcode,
    address ->> 'city' as city,
    address ->> 'state' as state,
    coalesce(countries.name, address ->> 'country') as country
from customers
left join countries on countries.code = (address ->> 'country')
