-- A warehouse lacks columns that never had a value: each table is read through the list of columns
-- that are needed, as text, so that a missing one is NULL and types do not matter.
with account as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as name,
           null::varchar as account_number, null::varchar as vatid,
           null::varchar as bill_to_contact_id, null::varchar as bill_to_id,
           null::varchar as parent_account_id, null::varchar as parent_id
    where false
    union all by name select * from account
),
contact as (
    select null::varchar as id, null::varchar as address_1, null::varchar as address_2,
           null::varchar as city, null::varchar as state, null::varchar as postal_code,
           null::varchar as country
    where false
    union all by name select * from contact
)
select
    account.id as external_id,
    account.name,
    account.vatid as vat_number,
    account.account_number as accounting_ref,
    nullif(concat_ws(', ', contact.address_1, contact.address_2), '') as address,
    contact.postal_code as zipcode,
    contact.city,
    contact.state,
    coalesce(country(contact.country), contact.country) as country,
    coalesce(account.parent_account_id, account.parent_id) as parent_external_id
from account
left join contact on contact.id = coalesce(account.bill_to_contact_id, account.bill_to_id)
where try_cast(account._fivetran_deleted as boolean) is distinct from true
