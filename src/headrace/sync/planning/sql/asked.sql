-- The `asked` records (entity, external_id) that are in the source, whether they are sent or not.
select entity, external_id
from (
    select entity, external_id from book.placed
    union all
    select 'contact', id from book.own_contacts
    union all
    select entity || '_pdf', external_id from book.documents
)
semi join asked using (entity, external_id);
