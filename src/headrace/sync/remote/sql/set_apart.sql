-- The effect of collected money on the open amount of each document. The source has not booked this
-- money yet, so without the effect the API should equal the source. Collected money that may be
-- there twice is excluded. A link between two collected records is part of both amounts already.
create or replace table plan.collected_effects as
with apart as (
    from plan.api_collected
    anti join plan.doubles using (entity, id)
),
-- Claimed records keep the links of the portal if the source has no links of them.
kept as (
    from plan.api_links as link
    semi join plan.kept_apart as claimed
        on claimed.entity = link.entity and claimed.external_id = link.external_id
        and claimed.id = ''
    anti join book.stated_links as stated
        on stated.from_entity = link.entity and stated.from_external_id = link.external_id
),
-- A refunded payment no longer settles its invoices, but the source does not know that yet.
given_back as (
    select to_entity as entity, to_external_id as external_id, sum(amount) as amount
    from (
        select link.*
        from plan.api_collected_links as link
        semi join apart using (entity, id)
        where link.entity = 'refund'
        union all
        from kept where entity = 'refund'
    )
    group by all
),
released as (
    select
        stated.from_entity as entity,
        stated.from_external_id as external_id,
        stated.to_entity,
        stated.to_external_id,
        sum(stated.amount) - coalesce(any_value(link.amount), 0) as amount
    from book.stated_links as stated
    join given_back
        on given_back.entity = stated.from_entity
        and given_back.external_id = stated.from_external_id
    left join plan.api_links as link
        on link.entity = stated.from_entity and link.external_id = stated.from_external_id
        and link.to_entity = stated.to_entity and link.to_external_id = stated.to_external_id
    group by all
    having sum(stated.amount) > coalesce(any_value(link.amount), 0)
),
moved as (
    select entity, external_id, to_entity, to_external_id, amount from kept
    union all
    select released.* replace (-released.amount as amount)
    from released
    join given_back using (entity, external_id)
    qualify sum(released.amount) over (partition by entity, external_id) <= given_back.amount
)
select customer, currency, entity, id as external_id, open as amount
from apart
union all
select document.customer, document.currency, document.entity, document.external_id,
    if(apart.entity = 'refund', link.amount, -link.amount)
from apart
join plan.api_collected_links as link using (entity, id)
join plan.api_documents as document
    on document.entity = link.to_entity and document.external_id = link.to_external_id
anti join apart as other
    on other.entity = link.to_entity and other.id = link.to_external_id
union all
select document.customer, document.currency, document.entity, document.external_id,
    if(moved.entity = 'refund', -moved.amount, moved.amount)
from moved
join plan.api_documents as document using (entity, external_id)
union all
select document.customer, document.currency, document.entity, document.external_id,
    if(moved.entity = 'refund', moved.amount, -moved.amount)
from moved
join plan.api_documents as document
    on document.entity = moved.to_entity and document.external_id = moved.to_external_id;
