-- Unchanged settlements with a link across the family that a customer leaves. The API refuses a new
-- parent while such a link exists, so the link is given back first and set again afterwards.
--
-- Example: C1 and C2 are children of H, and a payment of C1 settles an invoice of C2. Both move to
-- the parent G. The payment's row stays the same, but neither customer can move while the link
-- connects them. The payment therefore gives the link back, C1 and C2 move, and it is linked again.
create or replace temp table family_links as
with ends as (
    select
        link.*, source.customer as source_customer, target.customer as target_customer
    from book.links as link
    join book.placed as source
        on source.entity = link.from_entity and source.external_id = link.from_external_id
    join book.placed as target
        on target.entity = link.to_entity and target.external_id = link.to_external_id
    where source.customer <> target.customer
      and (
        source.customer in (select external_id from leaving_family)
        or target.customer in (select external_id from leaving_family)
      )
)
select distinct
    from_entity as entity,
    from_external_id as external_id,
    marks.key,
    marks.fingerprint
from ends
join book.fingerprints as marks
    on marks.entity = ends.from_entity and marks.external_id = ends.from_external_id
semi join staging.acknowledged as acknowledged
    on acknowledged.entity = ends.from_entity and acknowledged.external_id = ends.from_external_id
anti join book.withheld as withheld
    on withheld.entity = ends.from_entity and withheld.external_id = ends.from_external_id
anti join plan.changes as change
    on change.entity = ends.from_entity and change.external_id = ends.from_external_id;

insert into plan.changes
select entity, external_id, 'update', fingerprint, false
from family_links;

insert into book.examined_links
from book.links
where from_external_id in (select external_id from family_links)
  and from_external_id not in (select external_id from plan.differences)
  and to_external_id not in (select external_id from plan.differences);

insert into book.examined_records
from book.placed
semi join (
    select external_id from family_links
    union
    select to_external_id
    from book.links
    where from_external_id in (select external_id from family_links)
) as ids using (external_id)
anti join book.examined_records as examined using (entity, external_id);
