-- Money that goes back to a customer is a cheque or an expense on the receivable account, which a
-- payment sets against the credit; a journal entry that debits the account is worth the same.
-- Refund receipts do not touch the receivable account, nor do sales receipts: both are left out.
with payments as (
    select null::varchar as Id, null::varchar as CustomerRef, null::varchar as CurrencyRef,
           null::varchar as TxnDate, null::varchar as Line
    where false
    union all by name select * from payments
),
payment as (
    select Id as id,
           Id in (select Id from deleted_objects where Type = 'Payment') as gone,
           CustomerRef ->> 'value' as customer_id, CurrencyRef ->> 'value' as currency_id,
           TxnDate as transaction_date
    from payments
),
item as (
    select Id as payment, unnest(from_json(Line, '["JSON"]')) as line,
           generate_subscripts(from_json(Line, '["JSON"]'), 1) as place
    from payments
),
linked as (
    -- A line settles one transaction, or uses one.
    select payment, place, line ->> 'Amount' as amount, line -> 'LinkedTxn' -> 0 ->> 'TxnId' as id,
           line -> 'LinkedTxn' -> 0 ->> 'TxnType' as kind
    from item
),
payment_line as (
    select payment as payment_id, amount, if(kind = 'Check', id, null) as check_id,
           if(kind in ('Expense', 'Purchase'), id, null) as expense_id,
           if(kind = 'CreditCardCharge', id, null) as credit_card_charge_id
    from linked
),
journal_entries as (
    select null::varchar as Id, null::varchar as CurrencyRef, null::varchar as TxnDate,
           null::varchar as DocNumber, null::varchar as Line
    where false
    union all by name select * from journal_entries
),
journal_entry as (
    select Id as id,
           Id in (select Id from deleted_objects where Type = 'JournalEntry') as gone,
           CurrencyRef ->> 'value' as currency_id, TxnDate as transaction_date,
           DocNumber as doc_number
    from journal_entries
),
posting as (
    select Id as entry, unnest(from_json(Line, '["JSON"]')) as line from journal_entries
),
journal_entry_line as (
    select entry as journal_entry_id, line ->> 'Amount' as amount,
           line -> 'JournalEntryLineDetail' -> 'AccountRef' ->> 'value' as account_id,
           line -> 'JournalEntryLineDetail' -> 'Entity' -> 'EntityRef' ->> 'value' as customer_id,
           line -> 'JournalEntryLineDetail' ->> 'PostingType' as posting_type
    from posting
),
customers as (
    select null::varchar as Id, null::varchar as CurrencyRef
    where false
    union all by name select * from customers
),
customer as (
    select Id as id, CurrencyRef ->> 'value' as currency_id
    from customers
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
      and not payment.gone
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
      and not entry.gone
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
