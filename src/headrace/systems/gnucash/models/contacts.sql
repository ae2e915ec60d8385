-- One contact a customer, in the address itself: "Anna Roux", an e-mail address and a phone number.
select
    guid as customer_external_id,
    guid || '-contact' as external_id,
    addr_email as email,
    split_part(addr_name, ' ', 1) as first_name,
    array_to_string(split(addr_name, ' ')[2:], ' ') as last_name,
    addr_phone as phone,
    true as is_main
from customers
where addr_email <> ''
