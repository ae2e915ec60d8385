-- Processed ones: those in error, voided or under way are not money.
with given_account as (
    select null::varchar as Id, null::varchar as Currency
    where false
    union all by name select * from account
),
account as (
    select id, currency
    from given_account
),
given_payment as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as Status,
           null::varchar as PaymentNumber, null::varchar as EffectiveDate,
           null::varchar as TransactionCurrency, null::varchar as Currency, null::varchar as Amount,
           null::varchar as PaymentMethodId, null::varchar as ReferenceId, null::varchar as Deleted
    where false
    union all by name select * from payment
),
payment as (
    select id, AccountId as account_id, status, PaymentNumber as payment_number,
           EffectiveDate as effective_date, TransactionCurrency as transaction_currency, currency,
           amount, PaymentMethodId as payment_method_id, ReferenceId as reference_id,
           Deleted as deleted
    from given_payment
),
given_payment_method as (
    select null::varchar as Id, null::varchar as Type
    where false
    union all by name select * from paymentmethod
),
payment_method as (
    select id, type
    from given_payment_method
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
where try_cast(payment.deleted as boolean) is distinct from true
  and payment.status = 'Processed'
