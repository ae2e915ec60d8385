-- Before the @ Upflow takes letters of the English alphabet alone; the customer whose address has
-- others goes without a contact.
select
    CustomerId as customer_external_id,
    CustomerId as external_id,
    Email as email,
    FirstName as first_name,
    LastName as last_name,
    Phone as phone,
    true as is_main
from Customer
where Email similar to '[ -~]+'
