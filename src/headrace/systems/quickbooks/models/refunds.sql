-- Money that goes back to a customer is a cheque or an expense on the receivable account, which a
-- payment sets against the credit; a journal entry that debits the account is worth the same.
-- Refund receipts do not touch the receivable account, nor do sales receipts: both are left out.
with payment as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as customer_id,
           null::varchar as currency_id, null::varchar as transaction_date
    where false
    union all by name select * from payment
),
payment_line as (
    select null::varchar as payment_id, null::varchar as amount, null::varchar as check_id,
           null::varchar as expense_id, null::varchar as credit_card_charge_id
    where false
    union all by name select * from payment_line
),
customer as (
    select null::varchar as id, null::varchar as currency_id where false
    union all by name select * from customer
),
money as (
    select 'paid-' || coalesce(line.check_id, line.expense_id, line.credit_card_charge_id)
               as external_id,
           payment.customer_id, payment.currency_id,
           sum(try_cast(line.amount as decimal(38, 6)))::varchar as amount,
           min(payment.transaction_date) as transaction_date, null as doc_number
    from payment_line line
    join payment on payment.id = line.payment_id
    where coalesce(line.check_id, line.expense_id, line.credit_card_charge_id) is not null
      and try_cast(payment._fivetran_deleted as boolean) is distinct from true
    group by all

    union all
    select 'entry-' || entry.id || '-' || line.customer_id, line.customer_id, entry.currency_id,
           sum(if(lower(line.posting_type) = 'credit', -1, 1)
               * try_cast(line.amount as decimal(38, 6)))::varchar,
           entry.transaction_date, coalesce(entry.doc_number, entry.id)
    from journal_entry entry
    join journal_entry_line line on line.journal_entry_id = entry.id
    join account on account.id = line.account_id
    where account.account_type = 'Accounts Receivable'
      and try_cast(entry._fivetran_deleted as boolean) is distinct from true
    group by all
    having sum(if(lower(line.posting_type) = 'credit', -1, 1)
        * try_cast(line.amount as decimal(38, 6))) > 0
)
select
    money.external_id,
    money.customer_id as customer_external_id,
    coalesce(money.currency_id, customer.currency_id) as currency,
    minor(money.amount, currency) as amount,
    money.transaction_date as validated_at,
    money.doc_number as ref_number
from money
left join customer on customer.id = money.customer_id
