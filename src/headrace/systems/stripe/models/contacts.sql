-- Stripe knows one e-mail address for each customer, and no person's name.
select
    id as customer_external_id,
    id || '-contact' as external_id,
    email,
    phone,
    true as is_main
from customers
where email is not null
