with credit_note as (
    select null::varchar as credit_note_id, null::varchar as contact_id, null::varchar as type,
           null::varchar as status, null::varchar as credit_note_number, null::varchar as date,
           null::varchar as currency_code, null::varchar as total, null::varchar as total_tax,
           null::varchar as reference
    where false
    union all by name select * from credit_note
)
select
    credit_note_id as external_id,
    contact_id as customer_external_id,
    coalesce(nullif(credit_note_number, ''), credit_note_id) as custom_id,
    date as issued_at,
    currency_code as currency,
    minor(total, currency_code) as gross_amount,
    minor(total, currency_code) - coalesce(minor(total_tax, currency_code), 0) as net_amount,
    nullif(reference, '') as name
from credit_note
where type = 'ACCRECCREDIT' and status in ('AUTHORISED', 'PAID')
