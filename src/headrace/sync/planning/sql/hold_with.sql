-- New records that refer to a held record, or to one outside the scope, are held with it.
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
