-- The person that bills go to is the main one.
with given_account as (
    select null::varchar as Id, null::varchar as BillToContactId, null::varchar as BillToId,
           null::varchar as Deleted
    where false
    union all by name select * from account
),
account as (
    select id, BillToContactId as bill_to_contact_id, BillToId as bill_to_id, Deleted as deleted
    from given_account
),
given_contact as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as FirstName,
           null::varchar as LastName, null::varchar as WorkEmail, null::varchar as PersonalEmail,
           null::varchar as WorkPhone, null::varchar as MobilePhone, null::varchar as Deleted
    where false
    union all by name select * from contact
),
contact as (
    select id, AccountId as account_id, FirstName as first_name, LastName as last_name,
           WorkEmail as work_email, PersonalEmail as personal_email, WorkPhone as work_phone,
           MobilePhone as mobile_phone, Deleted as deleted
    from given_contact
)
select
    contact.account_id as customer_external_id,
    contact.id as external_id,
    coalesce(contact.work_email, contact.personal_email) as email,
    contact.first_name,
    contact.last_name,
    coalesce(contact.work_phone, contact.mobile_phone) as phone,
    contact.id = coalesce(account.bill_to_contact_id, account.bill_to_id) as is_main
from contact
join account on account.id = contact.account_id
where try_cast(contact.deleted as boolean) is distinct from true
  and try_cast(account.deleted as boolean) is distinct from true
  and coalesce(contact.work_email, contact.personal_email) is not null
-- The same address twice counts once, and then as the person that bills go to.
qualify row_number() over (
    partition by contact.account_id, lower(coalesce(contact.work_email, contact.personal_email))
    order by is_main desc, contact.id
) = 1
