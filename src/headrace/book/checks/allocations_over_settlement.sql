-- What is allocated from a payment, credit note or refund may not pass its own amount.
with given as (
    select
        from_entity as entity, from_external_id as external_id, sum(amount) as amount
    from book.examined_allocations as allocation
    semi join book.touched as touched
        on touched.entity = allocation.from_entity
        and touched.external_id = allocation.from_external_id
    group by all
)
select
    'error',
    given.entity,
    given.external_id,
    'allocates ' || money(given.amount, whole.currency) || ' of its '
        || money(whole.amount, whole.currency),
    'lower its allocations or correct its amount in the source'
from given
join book.examined_documents as whole
    on whole.entity = given.entity and whole.external_id = given.external_id
where given.amount > whole.amount;
