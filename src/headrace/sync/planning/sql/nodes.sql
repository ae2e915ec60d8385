-- The changes as nodes of a graph, with their customer, their time and whether they are open. All
-- links of a changed record are in `book.examined_links`.
create or replace temp view changed_links as
from book.examined_links;

create or replace table plan.nodes as
with given as (
    select from_entity as entity, from_external_id as external_id, sum(amount) as amount
    from changed_links as link
    semi join plan.changes as change
        on change.entity = link.from_entity and change.external_id = link.from_external_id
    group by all
),
taken as (
    select to_entity as entity, to_external_id as external_id, sum(amount) as amount
    from changed_links as link
    semi join plan.changes as change
        on change.entity = link.to_entity and change.external_id = link.to_external_id
    group by all
)
select
    row_number() over () as id,
    change.*,
    coalesce(placed.customer, contact.customer_external_id, gone.customer) as customer,
    if(change.entity = placed.entity, placed.currency, null) as currency,
    if(change.entity = placed.entity, placed.amount, null) as amount,
    placed.moment,
    coalesce(
        change.entity = placed.entity
        and placed.amount > coalesce(given.amount, 0) + coalesce(taken.amount, 0), false
    ) as open,
    change.entity = 'contact' and coalesce(contact.is_main, false) as is_main,
    case change.entity
        when 'customer' then 0
        when 'contact' then 0
        when 'invoice' then 1
        when 'refund' then 3
        when 'invoice_pdf' then 4
        when 'credit_note_pdf' then 4
        else 2
    end as level
from plan.changes as change
left join book.examined_records as placed
    on placed.entity = replace(change.entity, '_pdf', '')
    and placed.external_id = change.external_id
    and change.action <> 'delete'
left join book.own_contacts as contact
    on change.entity = 'contact' and contact.id = change.external_id and change.action <> 'delete'
left join given
    on given.entity = change.entity and given.external_id = change.external_id
left join taken
    on taken.entity = change.entity and taken.external_id = change.external_id
left join plan.gone as gone
    on gone.entity = change.entity and gone.external_id = change.external_id;

-- The links of the changes; `target` is null where the other end does not change.
create or replace table plan.edges as
select source.id as source, target.id as target
from changed_links as link
join plan.nodes as source
    on source.entity = link.from_entity and source.external_id = link.from_external_id
    and source.action <> 'delete'
left join plan.nodes as target
    on target.entity = link.to_entity and target.external_id = link.to_external_id
    and target.action <> 'delete'
union all
-- A PDF goes after its document.
select pdf.id, document.id
from plan.nodes as pdf
left join plan.nodes as document
    on document.entity = replace(pdf.entity, '_pdf', '') and document.external_id = pdf.external_id
where pdf.level = 4;
