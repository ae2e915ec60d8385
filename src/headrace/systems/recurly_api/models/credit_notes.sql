-- Credit invoices, and negative ones from before Recurly had them.
with given_invoices as (
    select null::varchar as id, null::varchar as updated_at, null::varchar as account,
           null::varchar as type, null::varchar as state, null::varchar as number,
           null::varchar as created_at, null::varchar as currency, null::varchar as total,
           null::varchar as tax, null::varchar as po_number
    where false
    union all by name select * from invoices
),
invoice as (
    select id, updated_at, account ->> 'id' as account_id, type, state, number, created_at,
           currency, total, tax, po_number
    from given_invoices
)
select
    id as external_id,
    account_id as customer_external_id,
    coalesce(number, id) as custom_id,
    created_at as issued_at,
    currency,
    minor(ltrim(total, '-'), currency) as gross_amount,
    minor(ltrim(total, '-'), currency) - coalesce(minor(ltrim(tax, '-'), currency), 0)
        as net_amount,
    nullif(po_number, '') as name
from invoice
where (type = 'credit' or starts_with(total, '-')) and state is distinct from 'voided'
