-- Credits that are no money. Prepayments and overpayments are, see payments.sql.
with credit_notes as (
    select null::varchar as creditid, null::varchar as clientid, null::varchar as vis_state,
           null::varchar as credit_number, null::varchar as credit_type,
           null::varchar as create_date, null::varchar as currency_code, null::varchar as amount
    where false
    union all by name select * from credit_notes
)
select
    creditid as external_id,
    clientid as customer_external_id,
    coalesce(nullif(credit_number, ''), creditid) as custom_id,
    create_date as issued_at,
    coalesce(amount ->> 'code', currency_code) as currency,
    minor(amount ->> 'amount', coalesce(amount ->> 'code', currency_code)) as gross_amount,
    minor(amount ->> 'amount', coalesce(amount ->> 'code', currency_code)) as net_amount,
    credit_type as name
from credit_notes
where vis_state is distinct from '1'
  and coalesce(credit_type, '') not in ('prepayment', 'overpayment')
