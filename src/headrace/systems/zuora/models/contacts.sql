-- The person that bills go to is the main one.
with account as (
    select null::varchar as id, null::varchar as _fivetran_deleted,
           null::varchar as bill_to_contact_id, null::varchar as bill_to_id
    where false
    union all by name select * from account
),
contact as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as account_id,
           null::varchar as first_name, null::varchar as last_name, null::varchar as work_email,
           null::varchar as personal_email, null::varchar as work_phone,
           null::varchar as mobile_phone
    where false
    union all by name select * from contact
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
where try_cast(contact._fivetran_deleted as boolean) is distinct from true
  and try_cast(account._fivetran_deleted as boolean) is distinct from true
  and coalesce(contact.work_email, contact.personal_email) is not null
-- The same address twice counts once, and then as the person that bills go to.
qualify row_number() over (
    partition by contact.account_id, lower(coalesce(contact.work_email, contact.personal_email))
    order by is_main desc, contact.id
) = 1
