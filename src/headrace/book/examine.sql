-- What the rules have to look at: records that are not as the API was told, and allocations with
-- such a record on either side. All others passed the rules when they were sent. Ids are compared
-- without their entity, which is faster; a namesake of another entity more does no harm.
create or replace table book.examined_allocations as
from book.allocations
where from_entity is null
   or from_external_id is null
   or from_external_id in (select external_id from book.touched)
   or to_external_id in (select external_id from book.touched);

-- The records themselves, those on the other side of their allocations, and those whose customer
-- has left the source.
create or replace table book.examined_records as
with ids as (
    select external_id from book.touched
    union
    select from_external_id from book.examined_allocations
    union
    select to_external_id from book.examined_allocations
),
departed as (
    select external_id as customer
    from book.touched
    anti join book.customers using (external_id)
    where entity = 'customer'
)
from book.placed
semi join ids using (external_id)
union all
from book.placed
semi join departed using (customer)
anti join ids using (external_id);

create or replace view book.examined_documents as
select
    case when origin = 'adjustment' then origin else entity end as entity,
    external_id,
    customer as customer_external_id,
    currency,
    amount
from book.examined_records
where origin not in ('customer', 'fix', 'settlement');
