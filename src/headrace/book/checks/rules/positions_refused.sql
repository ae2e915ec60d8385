-- A contact's position must exist in the organisation, under the name that it has there
-- (docs/api-evidence.md, Positions). Which ones exist is known only from what the API refused.
-- Over: refused_positions.
select
    'warning',
    'contact',
    min(coalesce(contact.external_id, contact.email)),
    'has the position ''' || contact.position || ''', as have ' || (count(*) - 1)
        || ' more, and the API does not: ' || any_value(refused.message),
    'write one that exists, or create it in Upflow and run `headrace apply --retry-rejected`; '
        || 'until then the contacts go without'
from book.contacts as contact
join book.refused_positions as refused using (position)
group by contact.position;
