-- Operations that must be acknowledged first, in other lanes: the parent of a customer, a document
-- that is settled, a step of a conflict.
create or replace table plan.waits as
select operation.number, other.number as on_number
from plan.edges as edge
join plan.operations as operation
    on operation.id = edge.source and operation.step > 0
join plan.operations as other on other.id = edge.target
where operation.customer <> other.customer
  -- Only new documents are waited for. An updated one exists already, and waiting for updates could
  -- form a cycle between two lanes.
  and other.action = 'create'
  and (
    operation.step = 2
    or (operation.entity, operation.external_id, other.entity, other.external_id)
        not in (from plan.late_links)
  )
union all
select child.number, parent.number
from plan.operations as child
join book.roots as roots on roots.external_id = child.external_id
join plan.operations as parent
    on parent.entity = 'customer' and parent.external_id = roots.root and parent.action = 'create'
where child.entity = 'customer' and child.action <> 'delete'
union all
select operation.number, other.number
from plan.step_waits as wait
join plan.operations as operation
    on operation.entity = wait.entity
    and operation.external_id = wait.external_id
    and operation.step = wait.step
join plan.operations as other
    on other.entity = wait.on_entity
    and other.external_id = wait.on_external_id
    and other.step = wait.on_step
where operation.customer <> other.customer
union all
-- A customer is deleted after the documents that it had have moved to another customer.
select customer.number, document.number
from plan.operations as customer
join plan.acknowledged_documents as acknowledged on acknowledged.customer = customer.external_id
join plan.operations as document
    on document.entity = acknowledged.entity
    and document.external_id = acknowledged.external_id
    and document.step < 2
where customer.entity = 'customer' and customer.action = 'delete'
  and document.customer <> customer.external_id
order by all;
