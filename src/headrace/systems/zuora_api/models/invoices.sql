-- Posted invoices; drafts and cancelled ones are nobody's debt, and negative ones credit notes.
-- A debit memo is an invoice.
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
           null::varchar as InvoiceNumber, null::varchar as InvoiceDate, null::varchar as DueDate,
           null::varchar as TransactionCurrency, null::varchar as Amount,
           null::varchar as AmountWithoutTax, null::varchar as Balance, null::varchar as Comments,
           null::varchar as Deleted
    where false
    union all by name select * from invoice
),
invoice as (
    select id, AccountId as account_id, status, InvoiceNumber as invoice_number,
           InvoiceDate as invoice_date, DueDate as due_date,
           TransactionCurrency as transaction_currency, amount,
           AmountWithoutTax as amount_without_tax, balance, comments, Deleted as deleted
    from given_invoice
),
given_debit_memo as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as Status,
           null::varchar as MemoNumber, null::varchar as MemoDate, null::varchar as DueDate,
           null::varchar as TransactionCurrency, null::varchar as TotalAmount,
           null::varchar as TotalAmountWithoutTax, null::varchar as Comments,
           null::varchar as Deleted
    where false
    union all by name select * from debitmemo
),
debit_memo as (
    select id, AccountId as account_id, status, MemoNumber as memo_number, MemoDate as memo_date,
           DueDate as due_date, TransactionCurrency as transaction_currency,
           TotalAmount as total_amount, TotalAmountWithoutTax as total_amount_without_tax, comments,
           Deleted as deleted
    from given_debit_memo
)
select
    invoice.id as external_id,
    invoice.account_id as customer_external_id,
    coalesce(invoice.invoice_number, invoice.id) as custom_id,
    invoice.invoice_date as issued_at,
    coalesce(invoice.due_date, invoice.invoice_date) as due_date,
    coalesce(invoice.transaction_currency, account.currency) as currency,
    minor(invoice.amount, coalesce(invoice.transaction_currency, account.currency)) as gross_amount,
    minor(
        coalesce(invoice.amount_without_tax, invoice.amount),
        coalesce(invoice.transaction_currency, account.currency)) as net_amount,
    invoice.comments as name,
    -- Settled, also where the rows that settle it are not in the warehouse.
    case when try_cast(invoice.balance as decimal(38, 6)) = 0 then invoice.invoice_date end
        as marked_paid_at
from invoice
left join account on account.id = invoice.account_id
where try_cast(invoice.deleted as boolean) is distinct from true
  and invoice.status = 'Posted' and not coalesce(starts_with(invoice.amount, '-'), false)

union all
select
    debit_memo.id,
    debit_memo.account_id,
    coalesce(debit_memo.memo_number, debit_memo.id),
    debit_memo.memo_date,
    coalesce(debit_memo.due_date, debit_memo.memo_date),
    coalesce(debit_memo.transaction_currency, account.currency) as currency,
    minor(debit_memo.total_amount, coalesce(debit_memo.transaction_currency, account.currency)),
    minor(
        coalesce(debit_memo.total_amount_without_tax, debit_memo.total_amount),
        coalesce(debit_memo.transaction_currency, account.currency)),
    debit_memo.comments,
    null
from debit_memo
left join account on account.id = debit_memo.account_id
where try_cast(debit_memo.deleted as boolean) is distinct from true
  and debit_memo.status = 'Posted'
