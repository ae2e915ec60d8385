-- What writes an invoice off is in settlements.sql.
with credit_notes as (
    select null::varchar as id, null::varchar as deleted, null::varchar as customer_id,
           null::varchar as status, null::varchar as reason_code, null::varchar as date,
           null::varchar as currency_code, null::varchar as total, null::varchar as sub_total
    where false
    union all by name select * from credit_notes
)
select
    id as external_id,
    customer_id as customer_external_id,
    id as custom_id,
    coalesce(to_timestamp(try_cast(date as bigint)), try_cast(date as timestamptz)) as issued_at,
    currency_code as currency,
    minor_units(total, currency_code, 'iso') as gross_amount,
    minor_units(total, currency_code, 'iso') as net_amount,
    reason_code as name
from credit_notes
where status is distinct from 'voided' and try_cast(deleted as boolean) is distinct from true
  and reason_code is distinct from 'write_off'
