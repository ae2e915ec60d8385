with transaction as (
    select null::varchar as id, null::varchar as account_id, null::varchar as type,
           null::varchar as status, null::varchar as currency, null::varchar as amount,
           null::varchar as collected_at, null::varchar as created_at,
           null::varchar as gateway_reference
    where false
    union all by name select * from transaction
)
select
    id as external_id,
    account_id as customer_external_id,
    currency,
    minor(ltrim(amount, '-'), currency) as amount,
    coalesce(collected_at, created_at) as validated_at,
    coalesce(nullif(gateway_reference, ''), id) as ref_number
from transaction
where type = 'refund' and status = 'success'
