-- What collected money changes in the open amounts of which document, but for what may stand there
-- twice: without it the API would be as the source, which has not booked it yet. A link between two
-- of them is in both amounts already.
create or replace table plan.collected_effects as
with apart as (
    from plan.api_collected
    anti join plan.doubles using (entity, id)
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
    on other.entity = link.to_entity and other.id = link.to_external_id;
