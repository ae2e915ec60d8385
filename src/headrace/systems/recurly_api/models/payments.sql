-- Purchases and captures that went through. A voided one is no money, a verification neither.
with given_transactions as (
    select null::varchar as id, null::varchar as account, null::varchar as type,
           null::varchar as status, null::varchar as currency, null::varchar as amount,
           null::varchar as collected_at, null::varchar as created_at,
           null::varchar as payment_method, null::varchar as gateway_reference
    where false
    union all by name select * from transactions
),
transaction as (
    select id, account ->> 'id' as account_id, type, status, currency, amount, collected_at,
           created_at, payment_method ->> 'object' as payment_method_object, gateway_reference
    from given_transactions
)
select
    id as external_id,
    account_id as customer_external_id,
    currency,
    minor(amount, currency) as amount,
    coalesce(collected_at, created_at) as validated_at,
    case payment_method_object
        when 'credit_card' then 'CARD'
        when 'bank_account_info' then 'DIRECT_DEBIT'
        when 'iban_bank_account' then 'DIRECT_DEBIT'
        when 'wire_transfer' then 'WIRE_TRANSFER'
        when 'check' then 'CHECK'
        else 'UNKNOWN'
    end as instrument,
    coalesce(nullif(gateway_reference, ''), id) as ref_number
from transaction
where type in ('purchase', 'capture') and status = 'success'
