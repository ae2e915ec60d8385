with given_accounts as (
    select null::varchar as id, null::varchar as updated_at, null::varchar as deleted_at,
           null::varchar as email, null::varchar as cc_emails, null::varchar as first_name,
           null::varchar as last_name, null::varchar as address
    where false
    union all by name select * from accounts
),
account as (
    select id, updated_at, deleted_at, email, cc_emails, first_name as account_first_name,
           last_name as account_last_name, address ->> 'phone' as account_phone
    from given_accounts
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
