with contact as (
    select null::varchar as contact_id, null::varchar as _fivetran_deleted,
           null::varchar as email_address, null::varchar as first_name, null::varchar as last_name
    where false
    union all by name select * from contact
),
invoice as (
    select null::varchar as contact_id, null::varchar as type where false
    union all by name select * from invoice
),
credit_note as (
    select null::varchar as contact_id, null::varchar as type where false
    union all by name select * from credit_note
),
overpayment as (
    select null::varchar as contact_id, null::varchar as type where false
    union all by name select * from overpayment
),
prepayment as (
    select null::varchar as contact_id, null::varchar as type where false
    union all by name select * from prepayment
),
document as (
    select contact_id from invoice where type = 'ACCREC'
    union all select contact_id from credit_note where type = 'ACCRECCREDIT'
    union all select contact_id from overpayment where type = 'RECEIVE-OVERPAYMENT'
    union all select contact_id from prepayment where type = 'RECEIVE-PREPAYMENT'
)
select
    contact_id as customer_external_id,
    contact_id || '-contact' as external_id,
    email_address as email,
    first_name,
    last_name,
    true as is_main
from contact
where try_cast(_fivetran_deleted as boolean) is distinct from true
  and nullif(trim(email_address), '') is not null
  and contact_id in (select contact_id from document)
