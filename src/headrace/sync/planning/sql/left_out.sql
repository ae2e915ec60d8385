-- Changes outside the scope: of other entities, or of other customers than the chosen one and its
-- parent.
create or replace table plan.left_out as
with family as (
    select customer from scoped where customer <> ''
    union
    select roots.root
    from book.roots as roots
    join scoped on scoped.customer = roots.external_id
),
owners as (
    select
        change.entity,
        change.external_id,
        coalesce(placed.customer, contact.customer_external_id, gone.customer) as customer,
        if(change.entity = 'contact', 'customer', replace(change.entity, '_pdf', '')) as chosen_as
    from plan.changes as change
    left join book.own_contacts as contact
        on change.entity = 'contact' and contact.id = change.external_id
    left join book.examined_records as placed
        on placed.entity = replace(change.entity, '_pdf', '')
        and placed.external_id = change.external_id
        and change.action <> 'delete'
    left join plan.gone as gone
        on gone.entity = change.entity and gone.external_id = change.external_id
)
select distinct change.entity, change.external_id, change.action
from plan.changes as change
join owners using (entity, external_id)
cross join scoped
where (
        len(scoped.entities) > 0
        and not list_contains(scoped.entities, owners.chosen_as)
    )
    or (
        scoped.customer <> ''
        and not (
            owners.customer = scoped.customer
            or (change.entity = 'customer' and change.external_id in (select customer from family))
        )
    );

delete from plan.changes
where (entity, external_id) in (select (entity, external_id) from plan.left_out);
