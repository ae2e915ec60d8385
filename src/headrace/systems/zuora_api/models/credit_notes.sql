-- Negative invoices, credit memos, and adjustments that lower one invoice.
with given_account as (
    select null::varchar as Id, null::varchar as Currency
    where false
    union all by name select * from account
),
account as (
    select id, currency
    from given_account
),
given_invoice as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as Status,
           null::varchar as InvoiceNumber, null::varchar as InvoiceDate,
           null::varchar as TransactionCurrency, null::varchar as Amount,
           null::varchar as AmountWithoutTax, null::varchar as Comments, null::varchar as Deleted
    where false
    union all by name select * from invoice
),
invoice as (
    select id, AccountId as account_id, status, InvoiceNumber as invoice_number,
           InvoiceDate as invoice_date, TransactionCurrency as transaction_currency, amount,
           AmountWithoutTax as amount_without_tax, comments, Deleted as deleted
    from given_invoice
),
given_credit_memo as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as Status,
           null::varchar as MemoNumber, null::varchar as MemoDate,
           null::varchar as TransactionCurrency, null::varchar as TotalAmount,
           null::varchar as TotalAmountWithoutTax, null::varchar as Comments,
           null::varchar as Deleted
    where false
    union all by name select * from creditmemo
),
credit_memo as (
    select id, AccountId as account_id, status, MemoNumber as memo_number, MemoDate as memo_date,
           TransactionCurrency as transaction_currency, TotalAmount as total_amount,
           TotalAmountWithoutTax as total_amount_without_tax, comments, Deleted as deleted
    from given_credit_memo
),
given_invoice_adjustment as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as Status,
           null::varchar as Type, null::varchar as AdjustmentNumber,
           null::varchar as AdjustmentDate, null::varchar as Amount, null::varchar as Comments,
           null::varchar as Deleted
    where false
    union all by name select * from invoiceadjustment
),
invoice_adjustment as (
    select id, AccountId as account_id, status, type, AdjustmentNumber as adjustment_number,
           AdjustmentDate as adjustment_date, amount, comments, Deleted as deleted
    from given_invoice_adjustment
),
given_invoice_item_adjustment as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as Status,
           null::varchar as Type, null::varchar as AdjustmentNumber,
           null::varchar as AdjustmentDate, null::varchar as Amount, null::varchar as Comment,
           null::varchar as Deleted
    where false
    union all by name select * from invoiceitemadjustment
),
invoice_item_adjustment as (
    select id, AccountId as account_id, status, type, AdjustmentNumber as adjustment_number,
           AdjustmentDate as adjustment_date, amount, comment, Deleted as deleted
    from given_invoice_item_adjustment
),
note as (
    select id, deleted, account_id, status = 'Posted' as counts, invoice_number as number,
           invoice_date as day, transaction_currency, substr(amount, 2) as gross,
           substr(amount_without_tax, 2) as net, comments
    from invoice
    where starts_with(amount, '-')
    union all
    select id, deleted, account_id, status = 'Posted', memo_number, memo_date,
           transaction_currency, total_amount, total_amount_without_tax, comments
    from credit_memo
    union all
    select id, deleted, account_id, status = 'Processed', adjustment_number,
           adjustment_date, null, amount, null, comments
    from invoice_adjustment
    where type = 'Credit'
    union all
    select id, deleted, account_id, status = 'Processed', adjustment_number,
           adjustment_date, null, amount, null, comment
    from invoice_item_adjustment
    where type = 'Credit'
)
select
    note.id as external_id,
    note.account_id as customer_external_id,
    coalesce(note.number, note.id) as custom_id,
    note.day as issued_at,
    coalesce(note.transaction_currency, account.currency) as currency,
    minor(note.gross, coalesce(note.transaction_currency, account.currency)) as gross_amount,
    minor(
        coalesce(note.net, note.gross),
        coalesce(note.transaction_currency, account.currency)) as net_amount,
    note.comments as name
from note
left join account on account.id = note.account_id
where try_cast(note.deleted as boolean) is distinct from true and note.counts
