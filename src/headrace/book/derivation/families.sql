-- Families: each child's root ancestor, for the API knows one level (docs/api-evidence.md,
-- Parent-child relation).

-- A pointer to a parent that is not there, or that closes a circle, is left out, and no more than
-- it: the customer itself travels. 64 levels are more than any book has.
create or replace table book.flawed_parents as
with recursive climb(external_id, ancestor, depth) as (
    select external_id, parent_external_id, 1
    from book.customers
    where parent_external_id is not null and external_id is not null
    union all
    select climb.external_id, parent.parent_external_id, climb.depth + 1
    from climb
    join book.customers as parent on parent.external_id = climb.ancestor
    where parent.parent_external_id is not null
      and climb.ancestor <> climb.external_id
      and climb.depth < 64
)
select distinct external_id, 'circle' as cause
from climb
where ancestor = external_id
union
select external_id, 'depth'
from climb
where depth = 64 and ancestor not in (select external_id from climb where ancestor = external_id)
union
select customer.external_id, 'missing'
from book.customers as customer
anti join book.customers as parent on parent.external_id = customer.parent_external_id
where customer.parent_external_id is not null and customer.external_id is not null
union
select external_id, 'unread'
from book.unread_parents
where external_id is not null;

create or replace table book.parents as
select external_id, parent_external_id as parent
from book.customers
anti join book.flawed_parents as flawed using (external_id)
where parent_external_id is not null and external_id is not null;
