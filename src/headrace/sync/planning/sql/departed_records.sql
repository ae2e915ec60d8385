-- The records whose customer left the source.
insert into book.examined_records
with departed as (
    select external_id as customer
    from plan.differences
    where entity = 'customer' and action = 'delete'
)
from book.placed
semi join departed using (customer)
anti join (select external_id from book.examined_records) as examined using (external_id);
