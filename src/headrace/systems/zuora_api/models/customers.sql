-- Each table is read through the list of fields that are needed, as text: one that no object has is
-- NULL, and types do not matter.
with given_account as (
    select null::varchar as Id, null::varchar as Name, null::varchar as AccountNumber,
           null::varchar as VATId, null::varchar as BillToContactId, null::varchar as BillToId,
           null::varchar as ParentAccountId, null::varchar as ParentId, null::varchar as Deleted
    where false
    union all by name select * from account
),
account as (
    select id, name, AccountNumber as account_number, vatid, BillToContactId as bill_to_contact_id,
           BillToId as bill_to_id, ParentAccountId as parent_account_id, ParentId as parent_id,
           Deleted as deleted
    from given_account
),
given_contact as (
    select null::varchar as Id, null::varchar as Address1, null::varchar as Address2,
           null::varchar as City, null::varchar as State, null::varchar as PostalCode,
           null::varchar as Country
    where false
    union all by name select * from contact
),
contact as (
    select id, Address1 as address_1, Address2 as address_2, city, state, PostalCode as postal_code,
           country
    from given_contact
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
where try_cast(account.deleted as boolean) is distinct from true
