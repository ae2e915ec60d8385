-- What is allocated from a payment, credit note or refund may not pass its own amount.
select
    'error',
    given.entity,
    given.external_id,
    'allocates ' || money(given.amount, whole.currency) || ' of its '
        || money(whole.amount, whole.currency),
    'lower its allocations or correct its amount in the source'
from book.given as given
join examined_documents as whole
    on whole.entity = given.entity and whole.external_id = given.external_id
where given.amount > whole.amount;
