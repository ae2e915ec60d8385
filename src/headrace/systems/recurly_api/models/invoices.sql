-- Charge invoices, and those from before Recurly had credit invoices; voided ones are left out.
with given_invoices as (
    select null::varchar as id, null::varchar as updated_at, null::varchar as account,
           null::varchar as type, null::varchar as state, null::varchar as number,
           null::varchar as created_at, null::varchar as due_at, null::varchar as closed_at,
           null::varchar as currency, null::varchar as total, null::varchar as tax,
           null::varchar as po_number
    where false
    union all by name select * from invoices
),
invoice as (
    select id, updated_at, account ->> 'id' as account_id, type, state, number, created_at, due_at,
           closed_at, currency, total, tax, po_number
    from given_invoices
)
select
    id as external_id,
    account_id as customer_external_id,
    coalesce(number, id) as custom_id,
    created_at as issued_at,
    coalesce(due_at, created_at) as due_date,
    currency,
    minor(total, currency) as gross_amount,
    minor(total, currency) - coalesce(minor(tax, currency), 0) as net_amount,
    nullif(po_number, '') as name,
    -- Settled, also where the rows that settle it are not in the warehouse.
    case when state = 'paid' then coalesce(closed_at, updated_at) end as marked_paid_at
from invoice
where type is distinct from 'credit' and not coalesce(starts_with(total, '-'), false)
  and state is distinct from 'voided'
