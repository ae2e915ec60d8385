-- What people call the records that are `asked` for (entity, external_id): whose they are, their
-- number, their money. A record in error is found as well, and by each of its rows.
select
    entity, documents.external_id, coalesce(customer, ''), coalesce(customers.name, ''),
    coalesce(number, ''), coalesce(currency, ''), amount::hugeint
from book.known as documents
semi join asked using (entity, external_id)
left join book.customers as customers on customers.external_id = documents.customer;
