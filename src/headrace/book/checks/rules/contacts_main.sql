-- A customer has one main contact; the API makes it the last one that claims it.
-- Over: contacts.
select
    'warning',
    'customer',
    customer_external_id,
    'has ' || count(*) || ' main contacts: '
        || string_agg(coalesce(email, external_id, '?'), ', ' order by email, external_id),
    'let is_main be true for one of them in models/contacts.sql; the API keeps the last'
from book.contacts
where is_main and customer_external_id is not null
group by customer_external_id
having count(*) > 1;
