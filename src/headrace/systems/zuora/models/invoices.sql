-- Posted invoices; drafts and cancelled ones are nobody's debt, and negative ones credit notes.
-- A debit memo is an invoice.
with account as (
    select null::varchar as id, null::varchar as currency where false
    union all by name select * from account
),
invoice as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as account_id,
           null::varchar as status, null::varchar as invoice_number, null::varchar as invoice_date,
           null::varchar as due_date, null::varchar as transaction_currency,
           null::varchar as amount, null::varchar as amount_without_tax, null::varchar as balance,
           null::varchar as comments
    where false
    union all by name select * from invoice
),
debit_memo as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as account_id,
           null::varchar as status, null::varchar as memo_number, null::varchar as memo_date,
           null::varchar as due_date, null::varchar as transaction_currency,
           null::varchar as total_amount, null::varchar as total_amount_without_tax,
           null::varchar as comments
    where false
    union all by name select * from debit_memo
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
where try_cast(invoice._fivetran_deleted as boolean) is distinct from true
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
where try_cast(debit_memo._fivetran_deleted as boolean) is distinct from true
  and debit_memo.status = 'Posted'
