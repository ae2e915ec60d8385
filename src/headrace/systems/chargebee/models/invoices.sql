-- Pending ones are not yet debts, voided ones no longer. Amounts are in the currency's lowest
-- division. Times are ISO text in a tap's tables, and seconds in the API's objects.
with invoices as (
    select null::varchar as id, null::varchar as deleted, null::varchar as customer_id,
           null::varchar as status, null::varchar as date, null::varchar as due_date,
           null::varchar as currency_code, null::varchar as total, null::varchar as tax,
           null::varchar as po_number
    where false
    union all by name select * from invoices
)
select
    id as external_id,
    customer_id as customer_external_id,
    id as custom_id,
    coalesce(to_timestamp(try_cast(date as bigint)), try_cast(date as timestamptz)) as issued_at,
    coalesce(to_timestamp(try_cast(due_date as bigint)), try_cast(due_date as timestamptz),
             issued_at) as due_date,
    currency_code as currency,
    minor_units(total, currency_code, 'iso') as gross_amount,
    minor_units(total, currency_code, 'iso')
        - coalesce(minor_units(tax, currency_code, 'iso'), 0) as net_amount,
    po_number as name
from invoices
where status not in ('pending', 'voided') and try_cast(deleted as boolean) is distinct from true
