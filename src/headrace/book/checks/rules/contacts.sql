-- A contact needs an e-mail address that is unique within its customer (docs/api-evidence.md,
-- Contacts).
-- Over: contacts.
select
    'error',
    'contact',
    coalesce(external_id, customer_external_id || '/' || coalesce(email, '?')),
    'of customer ' || customer_external_id || ' ' || problem,
    'give it an e-mail address of its own in the source; the customer goes without this contact'
from book.contacts as contact
join book.flawed_contacts as flawed on flawed.row = contact.rowid
where customer_external_id is not null
union all
select
    'error',
    'contact',
    coalesce(contact.external_id, contact.email, '?'),
    'belongs to customer ' || contact.customer_external_id || ', which is not in the table customers',
    'add the customer or correct customer_external_id'
from book.contacts as contact
anti join book.customers as customer
    on customer.external_id = contact.customer_external_id
where contact.customer_external_id is not null;
