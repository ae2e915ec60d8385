-- The links at either end of the records that differ, then the records at both ends of these links;
-- `departed_records.sql` adds those whose customer left the source. Ids are compared without their
-- entity, which is faster. A record of another entity with the same id may be included; it does no
-- harm.
create or replace table book.examined_links as
from book.links
where from_external_id in (select external_id from plan.differences)
union all
-- Two queries, because `or` would read every link.
from book.links
semi join plan.differences as target on target.external_id = to_external_id
anti join plan.differences as source on source.external_id = from_external_id;

create or replace table book.examined_records as
with ids as (
    select external_id from plan.differences
    union
    select from_external_id from book.examined_links
    union
    select to_external_id from book.examined_links
)
from book.placed
semi join ids using (external_id);
