-- Processed ones: those in error, voided or under way are not money.
with account as (
    select null::varchar as id, null::varchar as currency where false
    union all by name select * from account
),
payment as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as account_id,
           null::varchar as status, null::varchar as payment_number,
           null::varchar as effective_date, null::varchar as transaction_currency,
           null::varchar as currency, null::varchar as amount, null::varchar as payment_method_id,
           null::varchar as reference_id
    where false
    union all by name select * from payment
),
payment_method as (
    select null::varchar as id, null::varchar as type where false
    union all by name select * from payment_method
)
select
    payment.id as external_id,
    payment.account_id as customer_external_id,
    coalesce(payment.transaction_currency, payment.currency, account.currency) as currency,
    minor(
        payment.amount,
        coalesce(payment.transaction_currency, payment.currency, account.currency)) as amount,
    payment.effective_date as validated_at,
    case payment_method.type
        when 'CreditCard' then 'CARD'
        when 'DebitCard' then 'CARD'
        when 'CreditCardReferenceTransaction' then 'CARD'
        when 'ACH' then 'DIRECT_DEBIT'
        when 'BankTransfer' then 'DIRECT_DEBIT'
        when 'WireTransfer' then 'WIRE_TRANSFER'
        when 'Cash' then 'CASH'
        when 'Check' then 'CHECK'
        else 'UNKNOWN'
    end as instrument,
    coalesce(payment.reference_id, payment.payment_number) as ref_number
from payment
left join account on account.id = payment.account_id
left join payment_method on payment_method.id = payment.payment_method_id
where try_cast(payment._fivetran_deleted as boolean) is distinct from true
  and payment.status = 'Processed'
