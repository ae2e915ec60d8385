-- An adjustment that raises an invoice: what the customer owes besides the invoice's own amount.
with account as (
    select null::varchar as id, null::varchar as currency where false
    union all by name select * from account
),
invoice_adjustment as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as account_id,
           null::varchar as status, null::varchar as type, null::varchar as adjustment_number,
           null::varchar as adjustment_date, null::varchar as amount
    where false
    union all by name select * from invoice_adjustment
),
invoice_item_adjustment as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as account_id,
           null::varchar as status, null::varchar as type, null::varchar as adjustment_number,
           null::varchar as adjustment_date, null::varchar as amount
    where false
    union all by name select * from invoice_item_adjustment
),
raised as (
    select id, _fivetran_deleted, account_id, status, type, adjustment_number, adjustment_date,
           amount
    from invoice_adjustment
    union all
    select id, _fivetran_deleted, account_id, status, type, adjustment_number, adjustment_date,
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
where try_cast(raised._fivetran_deleted as boolean) is distinct from true
  and raised.status = 'Processed' and raised.type = 'Charge'
