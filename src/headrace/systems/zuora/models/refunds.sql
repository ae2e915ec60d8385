-- A refund may not name its account: then it is that of the payment method.
with account as (
    select null::varchar as id, null::varchar as currency where false
    union all by name select * from account
),
refund as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as account_id,
           null::varchar as status, null::varchar as refund_number, null::varchar as refund_date,
           null::varchar as marked_for_submission_on, null::varchar as created_date,
           null::varchar as amount, null::varchar as payment_method_id
    where false
    union all by name select * from refund
),
payment_method as (
    select null::varchar as id, null::varchar as account_id where false
    union all by name select * from payment_method
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
where try_cast(refund._fivetran_deleted as boolean) is distinct from true
  and refund.status = 'Processed'
