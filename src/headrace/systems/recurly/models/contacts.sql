with account_history as (
    select null::varchar as id, null::varchar as updated_at, null::varchar as _fivetran_synced,
           null::varchar as deleted_at, null::varchar as email, null::varchar as cc_emails,
           null::varchar as account_first_name, null::varchar as account_last_name,
           null::varchar as account_phone
    where false
    union all by name select * from account_history
),
account as (
    select * from account_history
    qualify row_number() over (
        partition by id
        order by try_cast(updated_at as timestamp) desc, _fivetran_synced desc
    ) = 1
),
address as (
    select *, unnest(emails(concat_ws(';', email, cc_emails))) as found
    from account
    where deleted_at is null
)
select
    id as customer_external_id,
    id || '-' || lower(found) as external_id,
    found as email,
    if(found = emails(email)[1], account_first_name, null) as first_name,
    if(found = emails(email)[1], account_last_name, null) as last_name,
    if(found = emails(email)[1], account_phone, null) as phone,
    coalesce(found = emails(email)[1], false) as is_main
from address
