-- A hash, `mark`, over the neighbours of each record in `rejected`: the records that it is linked
-- to, the records that those are linked to, their customers and families, and the documents of its
-- family that can't be sent now: the API may still have links between them and the record. The
-- reject is dropped when the mark changes. It changes when a neighbour's row changes, when a
-- neighbour is no longer withheld, when the API acknowledges its current row, and when it is
-- deleted at the API. A customer's mark also changes with the number of customers that left the
-- source and are still at the API, because one of those may have been its child.
--
-- Rejects are few, and links are many: those within two steps are found by the ids of their ends,
-- whatever their entities, before anything is joined. Other records are found by their keys.
create or replace temp view every_link as
select from_entity, from_external_id, to_entity, to_external_id
from book.allocations
union all
select 'payment', external_id, 'invoice', invoice_external_id
from book.fixes
union all
select 'payment', external_id, 'invoice', invoice_external_id
from book.settled;

create or replace temp table near_links as
from every_link where from_external_id in (select external_id from rejected)
union
from every_link where to_external_id in (select external_id from rejected);

create or replace temp table near_ids as
select external_id from rejected
union
select unnest([from_external_id, to_external_id]) from near_links;

create or replace temp table near_links as
from every_link where from_external_id in (from near_ids)
union
from every_link where to_external_id in (from near_ids);

create or replace temp table around_links as
with seeds as (
    select entity, external_id, entity as at_entity, external_id as at_id
    from rejected
),
one as (
    select seeds.entity, seeds.external_id, to_entity as at_entity, to_external_id as at_id
    from seeds
    join near_links on from_entity = at_entity and from_external_id = at_id
    union
    select seeds.entity, seeds.external_id, from_entity, from_external_id
    from seeds
    join near_links on to_entity = at_entity and to_external_id = at_id
),
two as (
    select one.entity, one.external_id, to_entity as at_entity, to_external_id as at_id
    from one
    join near_links on from_entity = at_entity and from_external_id = at_id
    union
    select one.entity, one.external_id, from_entity, from_external_id
    from one
    join near_links on to_entity = at_entity and to_external_id = at_id
)
from seeds
union
from one
union
from two;

create or replace temp table family_at_api as
select distinct entity, places.external_id, coalesce(root, customer) as root
from places
left join book.roots as roots on roots.external_id = customer;

-- One mark for each family, since any of its rejects may be linked to any of these documents: pairs
-- would be millions where an API refuses thousands of records of one customer.
create or replace temp table family_marks as
select root, sum(hash(entity, external_id, marks.fingerprint, withheld.entity is null)) as mark
from (select distinct entity, external_id from blocked)
join family_at_api using (entity, external_id)
left join (
    from book.fingerprints
    where key in (select (hash(entity, external_id) >> 1)::bigint from blocked)
) as marks using (entity, external_id)
left join book.withheld as withheld using (entity, external_id)
group by root;

create or replace temp table neighbours_of_rejected as
with owners as (
    select around.entity, around.external_id, placed.customer
    from around_links as around
    join book.placed as placed
        on placed.entity = replace(at_entity, '_pdf', '') and placed.external_id = at_id
    where placed.external_id in (select at_id from around_links)
    union
    select rejected.entity, rejected.external_id, contact.customer_external_id
    from rejected
    join book.own_contacts as contact
        on rejected.entity = 'contact' and contact.id = rejected.external_id
)
from around_links
union
select entity, external_id, 'customer', customer from owners
union
select owners.entity, owners.external_id, 'customer', roots.root
from owners
join book.roots as roots on roots.external_id = owners.customer
union
select owners.entity, owners.external_id, 'customer', roots.external_id
from owners
join book.roots as roots on roots.root = owners.customer
where owners.entity = 'customer'
union
select owners.entity, owners.external_id, 'contact', contact.id
from owners
join book.own_contacts as contact on contact.customer_external_id = owners.customer
where owners.entity = 'contact'
union
select entity, external_id, replace(entity, '_pdf', ''), external_id
from rejected;

-- A record to delete has no row, and its links at the API may be unknown. Any record may be its
-- neighbour, so its mark covers all of them.
create or replace temp table everything_else as
select sum(hash(key, fingerprint)) as mark
from book.fingerprints
where exists (
    from rejected
    anti join (
        from book.fingerprints
        where key in (select (hash(entity, external_id) >> 1)::bigint from rejected)
    ) using (entity, external_id)
);

create or replace temp table departed_customers as
select count(*) as count
from staging.acknowledged
where entity = 'customer'
  and exists (from rejected where entity = 'customer')
  and external_id not in (select external_id from book.fingerprints where entity = 'customer');

create or replace temp table keys_near as
select distinct (hash(at_entity, at_id) >> 1)::bigint as key
from neighbours_of_rejected;

create or replace temp table marks_near as
from book.fingerprints
where key in (from keys_near);

create or replace temp table acknowledged_near as
from staging.acknowledged
where key in (from keys_near);

create or replace table plan.around as
select
    neighbour.entity,
    neighbour.external_id,
    ((sum(hash(
        at_entity, at_id, marks.fingerprint, withheld.entity is null, acknowledged.entity is null,
        acknowledged.fingerprint is not distinct from marks.fingerprint,
        if(neighbour.entity = 'customer', departed_customers.count, 0)
    )) + if(any_value(own.key) is null, coalesce(any_value(everything_else.mark), 0), 0)
        + coalesce(any_value(family_marks.mark), 0))
        % 9223372036854775807)::bigint as mark
from neighbours_of_rejected as neighbour
cross join everything_else
cross join departed_customers
left join family_at_api
    on family_at_api.entity = replace(neighbour.entity, '_pdf', '')
    and family_at_api.external_id = neighbour.external_id
left join family_marks using (root)
left join marks_near as own
    on own.entity = neighbour.entity and own.external_id = neighbour.external_id
left join marks_near as marks
    on marks.entity = at_entity and marks.external_id = at_id
left join book.withheld as withheld
    on withheld.entity = at_entity and withheld.external_id = at_id
left join acknowledged_near as acknowledged
    on acknowledged.entity = at_entity and acknowledged.external_id = at_id
group by all;
