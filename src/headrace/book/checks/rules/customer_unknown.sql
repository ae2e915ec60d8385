-- Every document belongs to a customer that is there.
-- By record.
select
    'error',
    document.entity,
    document.external_id,
    'belongs to customer ' || document.customer_external_id || ', which is not in the table customers',
    'add the customer or correct customer_external_id'
from book.all_documents as document
anti join book.customers as customer
    on customer.external_id = document.customer_external_id
where document.customer_external_id is not null;
