-- Gives each operation its phase, its lane and its place in the lane.
--
-- Phases: 0 changes to what the API has, 1 open items with everything linked to them, 2 the settled
-- past. `plan.reached` has the phase of each document; a customer goes in the earliest phase of its
-- documents and children.
create or replace temp table phases as
with own as (
    select
        node.id,
        node.entity,
        node.external_id,
        node.customer,
        case
            when node.entity = 'customer' then if(node.action = 'create', 2, 0)
            when node.entity = 'contact' then if(owner.action = 'create', 2, 0)
            else coalesce(reached.phase, 2)
        end as phase
    from plan.nodes as node
    left join plan.reached as reached on reached.id = node.id
    left join plan.nodes as owner
        on node.entity = 'contact'
        and owner.entity = 'customer'
        and owner.external_id = node.customer
),
by_customer as (
    select customer, min(phase) as phase from own group by customer
),
by_parent as (
    select roots.root as customer, min(by_customer.phase) as phase
    from book.roots as roots
    join by_customer on by_customer.customer = roots.external_id
    group by roots.root
)
select
    own.id,
    case
        when own.entity in ('customer', 'contact')
            then least(own.phase, by_customer.phase, coalesce(by_parent.phase, 2))
        else own.phase
    end as phase,
    own.entity = 'customer' and by_parent.customer is not null as is_parent
from own
join by_customer on by_customer.customer = own.customer
left join by_parent on by_parent.customer = own.external_id and own.entity = 'customer';

-- Documents are ordered by date. A settlement goes right after the last document that it settles,
-- and a document's PDF after both.
create or replace temp table dated as
select id, row_number() over (order by moment nulls first, level, entity, external_id) as anchor
from plan.nodes
where level > 0;

create or replace temp table settled as
select edge.source as id, max(dated.anchor) as anchor
from plan.edges as edge
join dated on dated.id = edge.target
join plan.nodes as node on node.id = edge.source and node.level = 2
group by edge.source;

create or replace temp table anchors as
select
    dated.id,
    coalesce(refunded.anchor, settled.anchor, dated.anchor) as anchor
from dated
left join settled using (id)
left join (
    select edge.source as id, max(coalesce(settled.anchor, dated.anchor)) as anchor
    from plan.edges as edge
    join plan.nodes as node on node.id = edge.source and node.level in (3, 4)
    join dated on dated.id = edge.target
    left join settled on settled.id = edge.target
    group by edge.source
) as refunded using (id);

-- The order within a lane, as `stage`. The API checks each request by itself, so each stage makes
-- room for later ones:
--
--   0  the customer, if it is new
--   1  records that block each other, in the order that `ordering/` found for them
--   2  refunds that are deleted or shrink, before the payments and credit notes that they refund
--   3  other deletions, so that other records can use the amounts that they free
--   4  other settlements that shrink, for the same reason
--   5  the customer and its contacts: a new parent is refused while there are links to the family
--      of the old one, so this follows the deletions
--   6  documents, each with its settlements
--   7  deletions of invoices, which nothing settles any more
--   8  the deletion of the customer, which is empty by now
create or replace temp table staged as
select
    node.* exclude (customer, currency, amount),
    -- A release changes the record of the earlier customer, so it goes into that customer's lane.
    coalesce(ranked.customer, node.customer) as customer,
    -- Steps: 0 is a release, 1 the record itself, 2 its late links.
    coalesce(ranked.step, 1) as step,
    if(ranked.step in (0, 2), null, node.currency) as currency,
    if(ranked.step in (0, 2), null, node.amount) as amount,
    phases.phase,
    phases.is_parent,
    coalesce(anchors.anchor, 0) as anchor,
    -- The main contact goes first: without one, the API chooses one of the contacts that it has.
    coalesce(ranked.rank, if(node.entity = 'contact' and not node.is_main, 1, 0)) as rank,
    case
        when node.entity = 'customer' and node.action = 'create' then 0
        when ranked.rank is not null then 1
        when node.action = 'delete' then
            case node.entity
                when 'refund' then 2
                when 'invoice' then 7
                when 'customer' then 8
                else 3
            end
        when node.entity in ('customer', 'contact') then 5
        when node.shrinks then if(node.entity = 'refund', 2, 4)
        else 6
    end as stage
from plan.nodes as node
join phases using (id)
left join anchors using (id)
left join plan.steps as ranked
    on ranked.entity = node.entity and ranked.external_id = node.external_id;

create or replace table plan.operations as
with lanes as (
    select
        phase,
        customer,
        count(*) as length,
        bool_or(is_parent and action = 'create') as parent
    from staged
    group by phase, customer
)
select
    row_number() over (
        order by
            phase, lanes.parent desc, lanes.length desc, customer, stage, rank,
            anchor, level, entity, external_id
    ) as number,
    staged.id,
    staged.entity,
    staged.external_id,
    case staged.step when 0 then 'release' when 1 then staged.action else 'link' end as action,
    staged.step,
    staged.fingerprint,
    customer,
    phase,
    staged.currency,
    staged.amount
from staged
join lanes using (phase, customer)
order by number;

create or replace table plan.lanes as
select customer, phase, min(number) as first, max(number) as last
from plan.operations
group by customer, phase
order by first;
