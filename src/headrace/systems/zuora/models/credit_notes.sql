-- Negative invoices, credit memos, and adjustments that lower one invoice.
with account as (
    select null::varchar as id, null::varchar as currency where false
    union all by name select * from account
),
invoice as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as account_id,
           null::varchar as status, null::varchar as invoice_number, null::varchar as invoice_date,
           null::varchar as transaction_currency, null::varchar as amount,
           null::varchar as amount_without_tax, null::varchar as comments
    where false
    union all by name select * from invoice
),
credit_memo as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as account_id,
           null::varchar as status, null::varchar as memo_number, null::varchar as memo_date,
           null::varchar as transaction_currency, null::varchar as total_amount,
           null::varchar as total_amount_without_tax, null::varchar as comments
    where false
    union all by name select * from credit_memo
),
invoice_adjustment as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as account_id,
           null::varchar as status, null::varchar as type, null::varchar as adjustment_number,
           null::varchar as adjustment_date, null::varchar as amount, null::varchar as comments
    where false
    union all by name select * from invoice_adjustment
),
invoice_item_adjustment as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as account_id,
           null::varchar as status, null::varchar as type, null::varchar as adjustment_number,
           null::varchar as adjustment_date, null::varchar as amount, null::varchar as comment
    where false
    union all by name select * from invoice_item_adjustment
),
note as (
    select id, _fivetran_deleted, account_id, status = 'Posted' as counts, invoice_number as number,
           invoice_date as day, transaction_currency, substr(amount, 2) as gross,
           substr(amount_without_tax, 2) as net, comments
    from invoice
    where starts_with(amount, '-')
    union all
    select id, _fivetran_deleted, account_id, status = 'Posted', memo_number, memo_date,
           transaction_currency, total_amount, total_amount_without_tax, comments
    from credit_memo
    union all
    select id, _fivetran_deleted, account_id, status = 'Processed', adjustment_number,
           adjustment_date, null, amount, null, comments
    from invoice_adjustment
    where type = 'Credit'
    union all
    select id, _fivetran_deleted, account_id, status = 'Processed', adjustment_number,
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
where try_cast(note._fivetran_deleted as boolean) is distinct from true and note.counts
