-- An invoice that failed is written off, as far as nothing else settles it.
with transaction as (
    select null::varchar as id, null::varchar as invoice_id,
           null::varchar as original_transaction_id, null::varchar as type, null::varchar as status,
           null::varchar as currency, null::varchar as amount
    where false
    union all by name select * from transaction
),
invoice_history as (
    select null::varchar as id, null::varchar as updated_at, null::varchar as _fivetran_synced,
           null::varchar as type, null::varchar as state, null::varchar as number,
           null::varchar as closed_at, null::varchar as total, null::varchar as currency
    where false
    union all by name select * from invoice_history
),
credit_payment_history as (
    select null::varchar as id, null::varchar as updated_at, null::varchar as _fivetran_synced,
           null::varchar as applied_to_invoice_id, null::varchar as currency,
           null::varchar as amount, null::varchar as voided_at
    where false
    union all by name select * from credit_payment_history
),
invoice as (
    select * from invoice_history
    qualify row_number() over (
        partition by id
        order by try_cast(updated_at as timestamp) desc, _fivetran_synced desc
    ) = 1
),
credit as (
    select * from credit_payment_history
    qualify row_number() over (
        partition by id
        order by try_cast(updated_at as timestamp) desc, _fivetran_synced desc
    ) = 1
),
failed as (
    select invoice.*, minor(total, currency) - coalesce((
        select sum(if(type = 'refund', -1, 1) * minor(ltrim(amount, '-'), currency))
        from transaction
        where transaction.invoice_id = invoice.id and status = 'success'
          and type in ('purchase', 'capture', 'refund')), 0) - coalesce((
        select sum(minor(amount, currency)) from credit
        where applied_to_invoice_id = invoice.id and voided_at is null), 0) as rest
    from invoice
    where state = 'failed' and type is distinct from 'credit'
)
select
    id as external_id,
    id as invoice_external_id,
    'write_off' as kind,
    rest as amount,
    coalesce(closed_at, updated_at) as booked_at,
    number as ref_number
from failed
where rest > 0
