-- Custom fields that are no object of names to values never hold back their customer.
-- Over: customers where custom_fields__raw is not null.
select
    'warning',
    'customer',
    coalesce(external_id, '?'),
    'has custom_fields ''' || left(custom_fields__raw, 60)
        || if(length(custom_fields__raw) > 60, '…', '')
        || ''', which is no JSON object of names to values',
    'write {"name": "value"}, a MAP or a STRUCT in models/customers.sql; it goes without them'
from book.customers
where custom_fields__raw is not null;
