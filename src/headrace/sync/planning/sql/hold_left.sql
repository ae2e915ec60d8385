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
