-- A value that its field can't take is left out; the customer and its other fields go. What can be
-- taken is said twice, here for every value and in `custom_values.py` for those that are sent; a
-- test holds one against the other.
-- Over: custom_values.
with single as (
    -- A list of one is as good as its element.
    select
        value.external_id,
        value.name,
        field.data_type,
        value.value as given,
        if(
            field.data_type <> 'MULTI_SELECT' and json_type(value.value) = 'ARRAY'
                and json_array_length(value.value) = 1,
            json_extract(value.value, '$[0]'),
            value.value
        ) as one
    from book.custom_values as value
    join book.fields as field on field.name = value.name
),
typed as (
    select *, json_type(one) as kind, trim(json_extract_string(one, '$')) as text from single
)
select
    'warning',
    'customer',
    coalesce(external_id, '?'),
    'has ' || left(given::varchar, 60) || if(length(given::varchar) > 60, '…', '')
        || ' for the custom field ''' || name || ''', which is no ' || case data_type
            when 'NUMBER' then 'number'
            when 'BOOLEAN' then 'true or false'
            when 'DATE' then 'date'
            when 'TEXT' then 'text'
            when 'MULTI_SELECT' then 'label or list of labels'
            else 'label'
        end,
    'write ' || case data_type
            when 'NUMBER' then 'digits with a point, such as 10.5'
            when 'BOOLEAN' then 'true or false'
            when 'DATE' then 'an ISO date, such as 2026-05-05'
            when 'TEXT' then 'a text of at most 10,000 characters'
            else 'labels of at most 250 characters'
        end || '; the customer goes without this value'
from typed
where not case
    -- What says nothing empties the field.
    when kind is null or kind = 'NULL' or text in ('', '[]', '{}') then true
    when kind = 'OBJECT' then false
    when kind = 'ARRAY' then
        data_type = 'MULTI_SELECT'
        and len(list_intersect(json_type(one, '$[*]'), ['OBJECT', 'ARRAY'])) = 0
        and coalesce(list_max(list_transform(
            json_extract_string(one, '$[*]'), lambda label: length(trim(label)))), 0) <= 250
    when data_type = 'NUMBER' then
        case when kind in ('VARCHAR', 'BOOLEAN')
            then regexp_full_match(text, '[+-]?[0-9]{1,30}(\.[0-9]{1,30})?')
            else coalesce(isfinite(try_cast(text as double)), false)
        end
    when data_type = 'BOOLEAN' then
        lower(text) in ('true', 't', 'yes', 'y', 'on', '1', 'false', 'f', 'no', 'n', 'off', '0')
    when data_type = 'DATE' then
        kind = 'VARCHAR'
        and regexp_full_match(text, '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}.*)?')
        and try_cast(text as timestamptz) is not null
    when data_type = 'TEXT' then length(text) <= 10000
    else length(text) <= 250
end;
