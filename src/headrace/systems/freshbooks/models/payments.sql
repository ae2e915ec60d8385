-- A payment of type Credit is no money: it applies a credit to an invoice.
with payments as (
    select null::varchar as id, null::varchar as clientid, null::varchar as vis_state,
           null::varchar as type, null::varchar as date, null::varchar as amount,
           null::varchar as invoiceid
    where false
    union all by name select * from payments
),
credit_notes as (
    select null::varchar as creditid, null::varchar as clientid, null::varchar as vis_state,
           null::varchar as credit_type, null::varchar as credit_number,
           null::varchar as create_date, null::varchar as currency_code, null::varchar as amount
    where false
    union all by name select * from credit_notes
),
invoices as (
    select null::varchar as id, null::varchar as customerid, null::varchar as vis_state,
           null::varchar as v3_status
    where false
    union all by name select * from invoices
)
select
    payments.id as external_id,
    coalesce(payments.clientid, invoices.customerid) as customer_external_id,
    payments.amount ->> 'code' as currency,
    minor(payments.amount ->> 'amount', payments.amount ->> 'code') as amount,
    payments.date as validated_at,
    case payments.type
        when 'Bank Transfer' then 'WIRE_TRANSFER'
        when 'ACH' then 'DIRECT_DEBIT'
        when 'Cash' then 'CASH'
        when 'Check' then 'CHECK'
        when 'Credit Card' then 'CARD'
        when 'Debit' then 'CARD'
        when 'VISA' then 'CARD'
        when 'MASTERCARD' then 'CARD'
        when 'AMEX' then 'CARD'
        else 'UNKNOWN'
    end as instrument,
    null as ref_number
from payments
left join invoices on invoices.id = payments.invoiceid
where payments.vis_state is distinct from '1' and payments.type is distinct from 'Credit'

union all
select
    'credit-' || creditid,
    clientid,
    coalesce(amount ->> 'code', currency_code),
    minor(amount ->> 'amount', coalesce(amount ->> 'code', currency_code)),
    create_date,
    'UNKNOWN',
    credit_number
from credit_notes
where vis_state is distinct from '1' and credit_type in ('prepayment', 'overpayment')
