-- A value needs its field, and the import of a customer creates none
-- (docs/api-evidence.md, Custom fields).
-- Over: custom_values.
select
    'warning',
    'customer',
    min(value.external_id),
    'has the custom field ''' || value.name || ''', as have ' || (count(*) - 1)
        || ' more, and the API does not (it has: '
        || coalesce((select string_agg(distinct name, ', ' order by name) from book.fields), 'none')
        || ')',
    'create it in Upflow, or set create_missing_custom_fields; until then it is not sent'
from book.custom_values as value
anti join book.fields as fields on fields.name = value.name
group by value.name;
