-- What was written off, and tax that the customer paid to its own state.
with invoices as (
    select null::varchar as id, null::varchar as deleted, null::varchar as status,
           null::varchar as date, null::varchar as paid_at, null::varchar as updated_at,
           null::varchar as currency_code, null::varchar as write_off_amount,
           null::varchar as linked_taxes_withheld
    where false
    union all by name select * from invoices
),
sold as (
    select *, coalesce(paid_at, updated_at, date) as day
    from invoices
    where status not in ('pending', 'voided') and try_cast(deleted as boolean) is distinct from true
),
withheld as (
    select id, currency_code, day, unnest(from_json(linked_taxes_withheld, '["JSON"]')) as item
    from sold
),
settled as (
    select id || '-written-off' as external_id, id as invoice, 'write_off' as kind,
           write_off_amount as amount, currency_code, day, null as number
    from sold
    where try_cast(write_off_amount as bigint) > 0
    union all
    select id || '-' || (item ->> 'id'), id, 'withholding_tax', item ->> 'amount', currency_code,
           coalesce(item ->> 'date', day), item ->> 'reference_number'
    from withheld
)
select
    external_id,
    invoice as invoice_external_id,
    kind,
    minor_units(amount, currency_code, 'iso') as amount,
    coalesce(to_timestamp(try_cast(day as bigint)), try_cast(day as timestamptz)) as booked_at,
    number as ref_number
from settled
