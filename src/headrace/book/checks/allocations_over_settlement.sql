-- What is allocated from a payment, credit note or refund may not pass its own amount.
select
    'error',
    allocated.entity,
    allocated.external_id,
    'allocates ' || money(allocated.amount, whole.currency) || ' of its '
        || money(whole.amount, whole.currency),
    'lower its allocations or correct its amount in the source'
from book.allocated_from as allocated
join book.all_documents as whole
    on whole.entity = allocated.entity and whole.external_id = allocated.external_id
where allocated.amount > whole.amount;
