-- Labels are case-sensitive: "One" and "one" become two selectable values (docs/api-evidence.md,
-- Custom fields).
-- Over: custom_values.
with labels as (
    select value.name, unnest(
        case json_type(value.value)
            when 'ARRAY' then json_extract_string(value.value, '$[*]')
            else [trim(json_extract_string(value.value, '$'))]
        end
    ) as label
    from book.custom_values as value
    semi join book.fields as fields
        on fields.name = value.name and fields.data_type in ('SELECT', 'MULTI_SELECT')
)
select
    'warning',
    'customer',
    '*',
    'has labels of the custom field ''' || name || ''' that differ only in case: '
        || string_agg(distinct label, ', ' order by label),
    'spell them alike, or each becomes a value of its own'
from labels
where label is not null
group by name, lower(label)
having count(distinct label) > 1;
