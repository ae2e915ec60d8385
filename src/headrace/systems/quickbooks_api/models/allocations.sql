-- A payment lists what it settles (invoices, cheques to the customer, debit entries) and the
-- credits that it uses for that (credit memos, credit entries), and does not say which for which.
-- So its credits go in the order of its lines, and its money last: what stays is its unapplied
-- amount.
with payments as (
    select null::varchar as Id, null::varchar as CustomerRef, null::varchar as CurrencyRef,
           null::varchar as TotalAmt, null::varchar as Line
    where false
    union all by name select * from payments
),
payment as (
    select Id as id,
           Id in (select Id from deleted_objects where Type = 'Payment') as gone,
           CustomerRef ->> 'value' as customer_id, CurrencyRef ->> 'value' as currency_id,
           TotalAmt as total_amount
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
    select payment as payment_id, place as "index", amount,
           if(kind = 'Invoice', id, null) as invoice_id,
           if(kind = 'CreditMemo', id, null) as credit_memo_id,
           if(kind = 'JournalEntry', id, null) as journal_entry_id,
           if(kind = 'Check', id, null) as check_id,
           if(kind in ('Expense', 'Purchase'), id, null) as expense_id,
           if(kind = 'CreditCardCharge', id, null) as credit_card_charge_id
    from linked
),
invoices as (
    select null::varchar as Id, null::varchar as CustomerRef, null::varchar as CurrencyRef,
           null::varchar as Deposit
    where false
    union all by name select * from invoices
),
invoice as (
    select Id as id,
           Id in (select Id from deleted_objects where Type = 'Invoice') as gone,
           CustomerRef ->> 'value' as customer_id, CurrencyRef ->> 'value' as currency_id,
           Deposit as deposit
    from invoices
),
journal_entries as (
    select null::varchar as Id, null::varchar as Line
    where false
    union all by name select * from journal_entries
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
    select line.journal_entry_id || '-' || line.customer_id as id,
           sum(if(lower(line.posting_type) = 'credit', 1, -1)
               * try_cast(line.amount as decimal(38, 6))) as credit
    from journal_entry_line line
    join account on account.id = line.account_id
    where account.account_type = 'Accounts Receivable'
    group by all
),
live as (
    select payment.id, coalesce(payment.currency_id, customer.currency_id) as currency,
           payment.customer_id, minor(payment.total_amount, currency) as amount
    from payment
    left join customer on customer.id = payment.customer_id
    where not payment.gone
),
line as (
    select live.id as payment, try_cast(line."index" as bigint) as place,
           minor(line.amount, live.currency) as amount,
           case
               when line.invoice_id is not null then 'invoice'
               when line.credit_memo_id is not null then 'credit_note'
               when coalesce(line.check_id, line.expense_id, line.credit_card_charge_id)
                   is not null then 'refund'
               when entry.credit > 0 then 'payment'
               when entry.credit < 0 then 'refund'
           end as entity,
           coalesce(
               line.invoice_id, line.credit_memo_id,
               'paid-' || coalesce(line.check_id, line.expense_id, line.credit_card_charge_id),
               'entry-' || entry.id) as external_id
    from payment_line line
    join live on live.id = line.payment_id
    left join entry on entry.id = line.journal_entry_id || '-' || live.customer_id
),
given as (
    select payment, entity, external_id, place, amount,
           sum(amount) over (partition by payment order by place nulls last, external_id
               rows unbounded preceding) as until
    from (
        select payment, entity, external_id, place, amount from line
        where entity in ('credit_note', 'payment')
        union all
        select id, 'payment', id, null, amount from live
    )
),
taken as (
    select payment, entity, external_id, amount,
           sum(amount) over (partition by payment order by place, external_id
               rows unbounded preceding) as until
    from line
    where entity in ('invoice', 'refund')
),
link as (
    select given.entity as giver, given.external_id as giver_id,
           taken.entity as taker, taken.external_id as taker_id,
           least(given.until, taken.until)
           - greatest(given.until - given.amount, taken.until - taken.amount) as amount
    from given
    join taken on taken.payment = given.payment
    where given.until - given.amount < taken.until and taken.until - taken.amount < given.until

    union all
    -- Lines of a payment that is missing: the checks name it.
    select 'payment', line.payment_id, 'invoice', line.invoice_id,
           minor(line.amount, coalesce(invoice.currency_id, customer.currency_id))
    from payment_line line
    left join invoice on invoice.id = line.invoice_id
    left join customer on customer.id = invoice.customer_id
    where line.invoice_id is not null and line.payment_id not in (select id from payment)
)
select
    if(taker = 'refund', taker, giver) as from_entity,
    if(taker = 'refund', taker_id, giver_id) as from_external_id,
    if(taker = 'refund', giver, taker) as to_entity,
    if(taker = 'refund', giver_id, taker_id) as to_external_id,
    sum(amount) as amount
from link
group by all

union all
select 'payment', 'deposit-' || invoice.id, 'invoice', invoice.id,
       minor(invoice.deposit, coalesce(invoice.currency_id, customer.currency_id))
from invoice
left join customer on customer.id = invoice.customer_id
where not invoice.gone
  and try_cast(invoice.deposit as decimal(38, 6)) > 0
