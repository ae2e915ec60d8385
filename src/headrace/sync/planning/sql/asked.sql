-- What of the `asked` for (entity, external_id) the source has, whether it travels now or not.
select entity, external_id
from (
    select entity, external_id from book.placed
    union all
    select 'contact', id from book.own_contacts
    union all
    select entity || '_pdf', external_id from book.documents
)
semi join asked using (entity, external_id);
