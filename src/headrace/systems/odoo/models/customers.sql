select
    customer.id as external_id,
    coalesce(customer.name, customer.complete_name) as name,
    customer.vat as vat_number,
    customer.ref as accounting_ref,
    concat_ws(', ', customer.street, customer.street2) as address,
    customer.zip as zipcode,
    customer.city,
    country.name ->> 'en_US' as country
from customer
left join res_country country on country.id = customer.country_id
