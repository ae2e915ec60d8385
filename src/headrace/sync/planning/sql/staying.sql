-- Records and links that are not sent because of errors; a link has the keys of both ends.
create or replace view plan.staying_links as
select
    from_entity, from_external_id, to_entity, to_external_id, coalesce(problem, follows) as reason
from book.flawed_links as flawed
join book.allocations as allocation on allocation.rowid = flawed.row
where flaw not in ('lost', 'incomplete', 'shape')
union
from book.waiting_links
anti join book.pinned_links as pinned
    using (from_entity, from_external_id, to_entity, to_external_id);

create or replace view plan.staying as
from book.withheld
union all
select
    'link',
    from_entity || ' ' || from_external_id || ' → ' || to_entity || ' ' || to_external_id,
    reason
from plan.staying_links;
