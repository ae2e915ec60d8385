with payment as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as customer_id,
           null::varchar as currency_id, null::varchar as total_amount,
           null::varchar as transaction_date, null::varchar as reference_number
    where false
    union all by name select * from payment
),
invoice as (
    select null::varchar as id, null::varchar as _fivetran_deleted, null::varchar as customer_id,
           null::varchar as currency_id, null::varchar as deposit,
           null::varchar as transaction_date, null::varchar as doc_number
    where false
    union all by name select * from invoice
),
customer as (
    select null::varchar as id, null::varchar as currency_id where false
    union all by name select * from customer
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
      and try_cast(entry._fivetran_deleted as boolean) is distinct from true
    group by all
    having sum(if(lower(line.posting_type) = 'credit', 1, -1)
        * try_cast(line.amount as decimal(38, 6))) > 0
),
money as (
    -- A payment of zero only applies credit memos to invoices: see allocations.sql.
    select id as external_id, customer_id, currency_id, total_amount as amount, transaction_date,
           reference_number
    from payment
    where try_cast(_fivetran_deleted as boolean) is distinct from true
      and try_cast(total_amount as decimal(38, 6)) is distinct from 0

    union all
    -- What was paid while the invoice was written is a field of the invoice.
    select 'deposit-' || id, customer_id, currency_id, deposit, transaction_date, doc_number
    from invoice
    where try_cast(_fivetran_deleted as boolean) is distinct from true
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
