-- Money moves within one customer, or between a parent and its child (after flattening).
select
    'error',
    allocation.from_entity,
    allocation.from_external_id,
    'belongs to customer ' || source.customer_external_id || ' and is allocated to '
        || allocation.to_entity || ' ' || allocation.to_external_id || ' of customer '
        || target.customer_external_id || ', neither its parent nor its child',
    'set the parent of one of the customers, or correct the allocation'
from book.examined_allocations as allocation
join book.examined_documents as source
    on source.entity = allocation.from_entity and source.external_id = allocation.from_external_id
join book.examined_documents as target
    on target.entity = allocation.to_entity and target.external_id = allocation.to_external_id
    and target.customer_external_id <> source.customer_external_id
left join book.roots as source_root on source_root.external_id = source.customer_external_id
left join book.roots as target_root on target_root.external_id = target.customer_external_id
where source_root.root is distinct from target.customer_external_id
  and target_root.root is distinct from source.customer_external_id;
