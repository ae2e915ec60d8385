-- A refund may not name its account: then it is that of the payment method.
with given_account as (
    select null::varchar as Id, null::varchar as Currency
    where false
    union all by name select * from account
),
account as (
    select id, currency
    from given_account
),
given_refund as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as Status,
           null::varchar as RefundNumber, null::varchar as RefundDate,
           null::varchar as MarkedForSubmissionOn, null::varchar as CreatedDate,
           null::varchar as Amount, null::varchar as PaymentMethodId, null::varchar as Deleted
    where false
    union all by name select * from refund
),
refund as (
    select id, AccountId as account_id, status, RefundNumber as refund_number,
           RefundDate as refund_date, MarkedForSubmissionOn as marked_for_submission_on,
           CreatedDate as created_date, amount, PaymentMethodId as payment_method_id,
           Deleted as deleted
    from given_refund
),
given_payment_method as (
    select null::varchar as Id, null::varchar as AccountId
    where false
    union all by name select * from paymentmethod
),
payment_method as (
    select id, AccountId as account_id
    from given_payment_method
)
select
    refund.id as external_id,
    coalesce(refund.account_id, payment_method.account_id) as customer_external_id,
    account.currency,
    minor(refund.amount, account.currency) as amount,
    coalesce(refund.refund_date, refund.marked_for_submission_on, refund.created_date)
        as validated_at,
    refund.refund_number as ref_number
from refund
left join payment_method on payment_method.id = refund.payment_method_id
left join account on account.id = coalesce(refund.account_id, payment_method.account_id)
where try_cast(refund.deleted as boolean) is distinct from true
  and refund.status = 'Processed'
