-- The names of the records in `asked` (entity, external_id): customer, number and money. A record
-- in error is found too, once for each of its rows.
select
    entity, documents.external_id, coalesce(customer, ''), coalesce(customers.name, ''),
    coalesce(number, ''), coalesce(currency, ''), amount::hugeint
from book.known as documents
semi join asked using (entity, external_id)
left join book.customers as customers on customers.external_id = documents.customer
-- Of millions of records, only these are read: an id alone is handed down through the view.
where documents.external_id in (select external_id from asked);
