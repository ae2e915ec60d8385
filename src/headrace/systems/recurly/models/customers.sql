-- A warehouse lacks columns that never had a value: each table is read through the list of columns
-- that are needed, as text, so that a missing one is NULL and types do not matter.
-- History tables have a row for each state: the last one counts. A closed account that was ever
-- invoiced stays.
with account_history as (
    select null::varchar as id, null::varchar as updated_at, null::varchar as _fivetran_synced,
           null::varchar as deleted_at, null::varchar as code, null::varchar as company,
           null::varchar as account_first_name, null::varchar as account_last_name,
           null::varchar as email, null::varchar as vat_number, null::varchar as parent_account_id,
           null::varchar as account_street_1, null::varchar as account_street_2,
           null::varchar as account_city, null::varchar as account_region,
           null::varchar as account_postal_code, null::varchar as account_country
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
invoice_history as (
    select null::varchar as account_id where false
    union all by name select * from invoice_history
)
select
    id as external_id,
    coalesce(
        nullif(company, ''),
        nullif(trim(concat_ws(' ', account_first_name, account_last_name)), ''),
        nullif(email, ''), code, id) as name,
    nullif(vat_number, '') as vat_number,
    code as accounting_ref,
    nullif(concat_ws(', ', account_street_1, account_street_2), '') as address,
    account_postal_code as zipcode,
    account_city as city,
    account_region as state,
    coalesce(country(account_country), account_country) as country,
    parent_account_id as parent_external_id
from account
where deleted_at is null or id in (select account_id from invoice_history)
