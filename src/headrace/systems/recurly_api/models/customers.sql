-- Each table is read through the list of fields that are needed, as text: one that no object has is
-- NULL, and types do not matter. Nested values are JSON.
-- A closed account that was ever invoiced stays.
with given_accounts as (
    select null::varchar as id, null::varchar as updated_at, null::varchar as deleted_at,
           null::varchar as code, null::varchar as company, null::varchar as first_name,
           null::varchar as last_name, null::varchar as email, null::varchar as vat_number,
           null::varchar as parent_account_id, null::varchar as address
    where false
    union all by name select * from accounts
),
account as (
    select id, updated_at, deleted_at, code, company, first_name as account_first_name,
           last_name as account_last_name, email, vat_number, parent_account_id,
           address ->> 'street1' as account_street_1, address ->> 'street2' as account_street_2,
           address ->> 'city' as account_city, address ->> 'region' as account_region,
           address ->> 'postal_code' as account_postal_code,
           address ->> 'country' as account_country
    from given_accounts
),
given_invoices as (
    select null::varchar as account
    where false
    union all by name select * from invoices
),
invoice_history as (
    select account ->> 'id' as account_id
    from given_invoices
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
