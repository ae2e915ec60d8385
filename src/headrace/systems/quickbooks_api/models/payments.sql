with payments as (
    select null::varchar as Id, null::varchar as CustomerRef, null::varchar as CurrencyRef,
           null::varchar as TotalAmt, null::varchar as TxnDate, null::varchar as PaymentRefNum,
           null::varchar as Line
    where false
    union all by name select * from payments
),
payment as (
    select Id as id,
           Id in (select Id from deleted_objects where Type = 'Payment') as gone,
           CustomerRef ->> 'value' as customer_id, CurrencyRef ->> 'value' as currency_id,
           TotalAmt as total_amount, TxnDate as transaction_date, PaymentRefNum as reference_number
    from payments
),
invoices as (
    select null::varchar as Id, null::varchar as CustomerRef, null::varchar as CurrencyRef,
           null::varchar as Deposit, null::varchar as TxnDate, null::varchar as DocNumber
    where false
    union all by name select * from invoices
),
invoice as (
    select Id as id,
           Id in (select Id from deleted_objects where Type = 'Invoice') as gone,
           CustomerRef ->> 'value' as customer_id, CurrencyRef ->> 'value' as currency_id,
           Deposit as deposit, TxnDate as transaction_date, DocNumber as doc_number
    from invoices
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
entry as (
    select entry.id || '-' || line.customer_id as id, line.customer_id, entry.currency_id,
           sum(if(lower(line.posting_type) = 'credit', 1, -1)
               * try_cast(line.amount as decimal(38, 6)))::varchar as amount,
           entry.transaction_date, coalesce(entry.doc_number, entry.id) as doc_number
    from journal_entry entry
    join journal_entry_line line on line.journal_entry_id = entry.id
    join account on account.id = line.account_id
    where account.account_type = 'Accounts Receivable'
      and not entry.gone
    group by all
    having sum(if(lower(line.posting_type) = 'credit', 1, -1)
        * try_cast(line.amount as decimal(38, 6))) > 0
),
money as (
    -- A payment of zero only applies credit memos to invoices: see allocations.sql.
    select id as external_id, customer_id, currency_id, total_amount as amount, transaction_date,
           reference_number
    from payment
    where not gone
      and try_cast(total_amount as decimal(38, 6)) is distinct from 0

    union all
    -- What was paid while the invoice was written is a field of the invoice.
    select 'deposit-' || id, customer_id, currency_id, deposit, transaction_date, doc_number
    from invoice
    where not gone
      and try_cast(deposit as decimal(38, 6)) > 0

    union all
    -- A journal entry that credits a customer's receivable account is worth a payment.
    select 'entry-' || id, customer_id, currency_id, amount, transaction_date, doc_number from entry
)
select
    money.external_id,
    money.customer_id as customer_external_id,
    coalesce(money.currency_id, customer.currency_id) as currency,
    minor(money.amount, currency) as amount,
    money.transaction_date as validated_at,
    money.reference_number as ref_number
from money
left join customer on customer.id = money.customer_id
