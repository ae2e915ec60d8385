-- Amounts are objects of a number and a currency. Drafts are not yet debts.
with invoices as (
    select null::varchar as id, null::varchar as customerid, null::varchar as vis_state,
           null::varchar as v3_status, null::varchar as invoice_number,
           null::varchar as create_date, null::varchar as due_date, null::varchar as currency_code,
           null::varchar as amount, null::varchar as po_number
    where false
    union all by name select * from invoices
)
select
    id as external_id,
    customerid as customer_external_id,
    coalesce(nullif(invoice_number, ''), id) as custom_id,
    create_date as issued_at,
    coalesce(due_date, create_date) as due_date,
    coalesce(amount ->> 'code', currency_code) as currency,
    minor(amount ->> 'amount', coalesce(amount ->> 'code', currency_code)) as gross_amount,
    minor(amount ->> 'amount', coalesce(amount ->> 'code', currency_code)) as net_amount,
    nullif(po_number, '') as name
from invoices
where vis_state is distinct from '1' and v3_status is distinct from 'draft'
