-- An adjustment that raises an invoice: what the customer owes besides the invoice's own amount.
with given_account as (
    select null::varchar as Id, null::varchar as Currency
    where false
    union all by name select * from account
),
account as (
    select id, currency
    from given_account
),
given_invoice_adjustment as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as Status,
           null::varchar as Type, null::varchar as AdjustmentNumber,
           null::varchar as AdjustmentDate, null::varchar as Amount, null::varchar as Deleted
    where false
    union all by name select * from invoiceadjustment
),
invoice_adjustment as (
    select id, AccountId as account_id, status, type, AdjustmentNumber as adjustment_number,
           AdjustmentDate as adjustment_date, amount, Deleted as deleted
    from given_invoice_adjustment
),
given_invoice_item_adjustment as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as Status,
           null::varchar as Type, null::varchar as AdjustmentNumber,
           null::varchar as AdjustmentDate, null::varchar as Amount, null::varchar as Deleted
    where false
    union all by name select * from invoiceitemadjustment
),
invoice_item_adjustment as (
    select id, AccountId as account_id, status, type, AdjustmentNumber as adjustment_number,
           AdjustmentDate as adjustment_date, amount, Deleted as deleted
    from given_invoice_item_adjustment
),
raised as (
    select id, deleted, account_id, status, type, adjustment_number, adjustment_date,
           amount
    from invoice_adjustment
    union all
    select id, deleted, account_id, status, type, adjustment_number, adjustment_date,
           amount
    from invoice_item_adjustment
)
select
    raised.id as external_id,
    raised.account_id as customer_external_id,
    account.currency,
    minor(raised.amount, account.currency) as amount,
    raised.adjustment_date as booked_at,
    raised.adjustment_number as ref_number
from raised
left join account on account.id = raised.account_id
where try_cast(raised.deleted as boolean) is distinct from true
  and raised.status = 'Processed' and raised.type = 'Charge'
