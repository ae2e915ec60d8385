-- What the dearer rules have to look at: allocations with a record on either side that is not as
-- the API was told. All others passed the rules when they were sent.
create or replace table book.examined_allocations as
select allocation.*
from book.allocations as allocation
left join book.touched as one
    on one.entity = allocation.from_entity and one.external_id = allocation.from_external_id
left join book.touched as other
    on other.entity = allocation.to_entity and other.external_id = allocation.to_external_id
where one.entity is not null
   or other.entity is not null
   or allocation.from_entity is null
   or allocation.from_external_id is null;

create or replace temp table examined_documents as
select document.*
from book.all_documents as document
semi join (
    select from_entity as entity, from_external_id as external_id from book.examined_allocations
    union
    select to_entity, to_external_id from book.examined_allocations
) as examined
    on examined.entity = document.entity and examined.external_id = document.external_id;
