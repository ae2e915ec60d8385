-- Refunds, and payments that the bank took back, as in Upflow's own Chargebee integration.
with transactions as (
    select null::varchar as id, null::varchar as deleted, null::varchar as customer_id,
           null::varchar as type, null::varchar as status, null::varchar as date,
           null::varchar as currency_code, null::varchar as amount,
           null::varchar as reference_number, null::varchar as id_at_gateway
    where false
    union all by name select * from transactions
)
select
    id as external_id,
    customer_id as customer_external_id,
    currency_code as currency,
    minor_units(amount, currency_code, 'iso') as amount,
    coalesce(to_timestamp(try_cast(date as bigint)), try_cast(date as timestamptz))
        as validated_at,
    coalesce(reference_number, id_at_gateway) as ref_number
from transactions
where type in ('refund', 'payment_reversal') and status = 'success'
  and try_cast(deleted as boolean) is distinct from true
