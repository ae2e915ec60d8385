-- Records that the API rejected are held until their row or a neighbour changes. New records that
-- refer to a held record, or to one outside the scope, are held with it; `fate` says why.
create or replace table plan.held as
select
    change.entity,
    change.external_id,
    'refused before: ' || reject.message as reason,
    if(reject.ignored, 'is ignored', 'was refused') as fate
from plan.changes as change
join plan.rejects as reject using (entity, external_id)
where reject.stands
union all
-- Records that may be collected money wait for a person's decision.
select entity, external_id, reason, 'waits for a decision'
from plan.awaiting;

create or replace temp table missing as
select entity, external_id, held.fate
from plan.held
join plan.changes as change using (entity, external_id)
where change.action = 'create'
union all
select entity, external_id, 'is left out of this plan'
from plan.left_out
where action = 'create';

insert into plan.held
select
    'customer',
    roots.external_id,
    'its parent ' || roots.root || ' ' || missing.fate,
    missing.fate
from book.roots as roots
join missing on missing.entity = 'customer' and missing.external_id = roots.root
join plan.changes as change
    on change.entity = 'customer' and change.external_id = roots.external_id;

insert into missing
select entity, external_id, fate
from plan.held
anti join missing using (entity, external_id);

insert into plan.held
select
    node.entity,
    node.external_id,
    'its customer ' || node.customer || ' ' || missing.fate,
    missing.fate
from book.examined_records as node
join missing on missing.entity = 'customer' and missing.external_id = node.customer
join plan.changes as change
    on change.entity = node.entity and change.external_id = node.external_id
where node.entity <> 'customer'
union all
select
    'contact',
    contact.id,
    'its customer ' || missing.external_id || ' ' || missing.fate,
    missing.fate
from book.own_contacts as contact
join missing
    on missing.entity = 'customer' and missing.external_id = contact.customer_external_id
join plan.changes as change on change.entity = 'contact' and change.external_id = contact.id;

insert into missing
select entity, external_id, fate
from plan.held
anti join missing using (entity, external_id);

-- Settlements of held invoices first, then refunds of held settlements.
insert into plan.held
select
    from_entity,
    from_external_id,
    'its ' || to_entity || ' ' || to_external_id || ' ' || missing.fate,
    missing.fate
from book.links as link
join missing on missing.entity = link.to_entity and missing.external_id = link.to_external_id
join plan.changes as change
    on change.entity = link.from_entity and change.external_id = link.from_external_id
where link.to_entity = 'invoice';

insert into missing
select entity, external_id, fate
from plan.held
anti join missing using (entity, external_id);

insert into plan.held
select
    from_entity,
    from_external_id,
    'its ' || to_entity || ' ' || to_external_id || ' ' || missing.fate,
    missing.fate
from book.links as link
join missing on missing.entity = link.to_entity and missing.external_id = link.to_external_id
join plan.changes as change
    on change.entity = link.from_entity and change.external_id = link.from_external_id
where link.from_entity = 'refund';

insert into missing
select entity, external_id, fate
from plan.held
anti join missing using (entity, external_id);

insert into plan.held
select
    change.entity,
    change.external_id,
    'its ' || replace(missing.entity, '_', ' ') || ' ' || missing.fate,
    missing.fate
from plan.changes as change
join missing
    on change.entity = missing.entity || '_pdf' and change.external_id = missing.external_id;

-- A record that left the source while rows still refer to it can't be deleted. Either those rows
-- are wrong, or they leave the source soon as well.
create or replace temp table leaving as
select entity, external_id
from plan.changes
where action = 'delete';

insert into plan.held
select entity, external_id, 'left the source, where others still refer to it', 'is referred to'
from (
    select 'customer' as entity, customer_external_id as external_id
    from book.all_documents
    semi join leaving
        on leaving.entity = 'customer' and leaving.external_id = customer_external_id
);

-- Only empty customers may be deleted (docs/api-evidence.md, Deleting): all their records are
-- deleted too, or move to another customer.
insert into plan.held
select
    'customer',
    customer,
    'left the source and still has ' || count(*) || if(count(*) = 1, ' document', ' documents')
        || ' at the API',
    'is not empty'
from plan.acknowledged_documents as document
anti join (from plan.changes anti join plan.held using (entity, external_id)) as change
    on change.entity = document.entity
    and change.external_id = document.external_id
anti join plan.held as held on held.entity = 'customer' and held.external_id = document.customer
group by customer;

-- A customer that is the parent of another one at the API can't be deleted either.
insert into plan.held
select
    'customer',
    acknowledged.parent,
    'left the source and still has ' || count(*) || if(count(*) = 1, ' child', ' children')
        || ' at the API',
    'is not empty'
from plan.acknowledged_children as acknowledged
semi join leaving on leaving.entity = 'customer' and leaving.external_id = acknowledged.parent
anti join (from plan.changes anti join plan.held using (entity, external_id)) as change
    on change.entity = 'customer' and change.external_id = acknowledged.external_id
group by acknowledged.parent;

create or replace table plan.held as
select entity, external_id, first(reason) as reason, first(fate) as fate
from plan.held
group by entity, external_id;

delete from plan.changes
where (entity, external_id) in (select (entity, external_id) from plan.held);
