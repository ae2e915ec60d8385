-- Drafts and submitted ones are not yet debts, deleted and voided ones no longer.
with invoice as (
    select null::varchar as invoice_id, null::varchar as contact_id, null::varchar as type,
           null::varchar as status, null::varchar as invoice_number, null::varchar as date,
           null::varchar as due_date, null::varchar as currency_code, null::varchar as total,
           null::varchar as total_tax, null::varchar as reference
    where false
    union all by name select * from invoice
)
select
    invoice_id as external_id,
    contact_id as customer_external_id,
    coalesce(nullif(invoice_number, ''), invoice_id) as custom_id,
    date as issued_at,
    coalesce(due_date, date) as due_date,
    currency_code as currency,
    minor(total, currency_code) as gross_amount,
    minor(total, currency_code) - coalesce(minor(total_tax, currency_code), 0) as net_amount,
    nullif(reference, '') as name
from invoice
where type = 'ACCREC' and status in ('AUTHORISED', 'PAID')
