-- Rows say how much of a payment or credit memo goes to which invoice. Two things have only totals
-- of an account: the credit balance, which negative invoices and payments fill and invoices and
-- refunds draw on, and refunds of payments. Both go from the oldest to the oldest.
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
           null::varchar as Amount, null::varchar as TransactionCurrency
    where false
    union all by name select * from invoice
),
invoice as (
    select id, AccountId as account_id, status, amount, TransactionCurrency as transaction_currency
    from given_invoice
),
given_payment as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as Status,
           null::varchar as EffectiveDate, null::varchar as RefundAmount,
           null::varchar as TransactionCurrency, null::varchar as Currency,
           null::varchar as Deleted
    where false
    union all by name select * from payment
),
payment as (
    select id, AccountId as account_id, status, EffectiveDate as effective_date,
           RefundAmount as refund_amount, TransactionCurrency as transaction_currency, currency,
           Deleted as deleted
    from given_payment
),
given_payment_method as (
    select null::varchar as Id, null::varchar as AccountId
    where false
    union all by name select * from paymentmethod
),
payment_method as (
    select id, AccountId as account_id
    from given_payment_method
),
given_invoice_payment as (
    select null::varchar as PaymentId, null::varchar as InvoiceId, null::varchar as Amount,
           null::varchar as RefundAmount, null::varchar as TransactionCurrency,
           null::varchar as Deleted
    where false
    union all by name select * from invoicepayment
),
invoice_payment as (
    select PaymentId as payment_id, InvoiceId as invoice_id, amount, RefundAmount as refund_amount,
           TransactionCurrency as transaction_currency, Deleted as deleted
    from given_invoice_payment
),
given_payment_part as (
    select null::varchar as PaymentId, null::varchar as InvoiceId, null::varchar as DebitMemoId,
           null::varchar as Amount, null::varchar as Deleted
    where false
    union all by name select * from paymentpart
),
payment_part as (
    select PaymentId as payment_id, InvoiceId as invoice_id, DebitMemoId as debit_memo_id, amount,
           Deleted as deleted
    from given_payment_part
),
given_credit_memo_part as (
    select null::varchar as CreditMemoId, null::varchar as InvoiceId, null::varchar as DebitMemoId,
           null::varchar as Amount, null::varchar as Deleted
    where false
    union all by name select * from creditmemopart
),
credit_memo_part as (
    select CreditMemoId as credit_memo_id, InvoiceId as invoice_id, DebitMemoId as debit_memo_id,
           amount, Deleted as deleted
    from given_credit_memo_part
),
given_credit_memo as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as Status
    where false
    union all by name select * from creditmemo
),
credit_memo as (
    select id, AccountId as account_id, status
    from given_credit_memo
),
given_invoice_adjustment as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as InvoiceId,
           null::varchar as Status, null::varchar as Type, null::varchar as Amount,
           null::varchar as Deleted
    where false
    union all by name select * from invoiceadjustment
),
invoice_adjustment as (
    select id, AccountId as account_id, InvoiceId as invoice_id, status, type, amount,
           Deleted as deleted
    from given_invoice_adjustment
),
given_invoice_item_adjustment as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as InvoiceId,
           null::varchar as Status, null::varchar as Type, null::varchar as Amount,
           null::varchar as Deleted
    where false
    union all by name select * from invoiceitemadjustment
),
invoice_item_adjustment as (
    select id, AccountId as account_id, InvoiceId as invoice_id, status, type, amount,
           Deleted as deleted
    from given_invoice_item_adjustment
),
given_credit_balance_adjustment as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as Status,
           null::varchar as Type, null::varchar as AdjustmentDate, null::varchar as Amount,
           null::varchar as SourceTransactionType, null::varchar as SourceTransactionId,
           null::varchar as Deleted
    where false
    union all by name select * from creditbalanceadjustment
),
credit_balance_adjustment as (
    select id, AccountId as account_id, status, type, AdjustmentDate as adjustment_date, amount,
           SourceTransactionType as source_transaction_type,
           SourceTransactionId as source_transaction_id, Deleted as deleted
    from given_credit_balance_adjustment
),
given_refund as (
    select null::varchar as Id, null::varchar as AccountId, null::varchar as Status,
           null::varchar as SourceType, null::varchar as RefundDate,
           null::varchar as MarkedForSubmissionOn, null::varchar as Amount,
           null::varchar as PaymentMethodId, null::varchar as Deleted
    where false
    union all by name select * from refund
),
refund as (
    select id, AccountId as account_id, status, SourceType as source_type,
           RefundDate as refund_date, MarkedForSubmissionOn as marked_for_submission_on, amount,
           PaymentMethodId as payment_method_id, Deleted as deleted
    from given_refund
),
-- A row is of a payment that counts, or of one that is missing, which the checks name.
uncounted as (
    select id from payment
    where status is distinct from 'Processed' or try_cast(deleted as boolean)
),
moved as (
    select id, account_id, type, adjustment_date as day, amount, source_transaction_type as kind,
           source_transaction_id as source
    from credit_balance_adjustment
    where status = 'Processed' and try_cast(deleted as boolean) is distinct from true
),
giver as (
    select 'balance' as pool, moved.account_id, 'credit_note' as entity, moved.source as id,
           moved.day, moved.id as later, moved.amount
    from moved
    join invoice on invoice.id = moved.source and starts_with(invoice.amount, '-')
    where moved.type = 'Increase' and moved.kind = 'Invoice'
    union all
    select 'balance', account_id, 'payment', source, day, id, amount
    from moved where type = 'Increase' and kind = 'Payment'
    union all
    select 'refund', account_id, 'payment', id, effective_date, id, refund_amount
    from payment where id not in (select id from uncounted)
),
taker as (
    select 'balance' as pool, account_id, lower(kind) as entity, source as id, day, id as later,
           amount
    from moved where type = 'Decrease' and kind in ('Invoice', 'Refund')
    union all
    select 'refund', coalesce(refund.account_id, payment_method.account_id), 'refund', refund.id,
           coalesce(refund.refund_date, refund.marked_for_submission_on), refund.id, refund.amount
    from refund
    left join payment_method on payment_method.id = refund.payment_method_id
    where refund.status = 'Processed' and refund.source_type = 'Payment'
      and try_cast(refund.deleted as boolean) is distinct from true
),
given as (
    select giver.* replace (minor(giver.amount, account.currency) as amount),
           sum(minor(giver.amount, account.currency)) over (
               partition by pool, account_id order by day, later rows unbounded preceding) as until
    from giver
    join account on account.id = giver.account_id
),
taken as (
    select taker.* replace (minor(taker.amount, account.currency) as amount),
           sum(minor(taker.amount, account.currency)) over (
               partition by pool, account_id order by day, later rows unbounded preceding) as until
    from taker
    join account on account.id = taker.account_id
),
link as (
    select 'payment' as from_entity, line.payment_id as from_id, 'invoice' as to_entity,
           line.invoice_id as to_id,
           minor(line.amount, coalesce(line.transaction_currency, account.currency))
           - coalesce(minor(line.refund_amount,
               coalesce(line.transaction_currency, account.currency)), 0) as amount
    from invoice_payment line
    left join invoice on invoice.id = line.invoice_id
    left join account on account.id = invoice.account_id
    where try_cast(line.deleted as boolean) is distinct from true
      and line.payment_id not in (select id from uncounted)

    union all
    select 'payment', part.payment_id, 'invoice', coalesce(part.invoice_id, part.debit_memo_id),
           minor(part.amount, coalesce(payment.transaction_currency, payment.currency))
    from payment_part part
    left join payment on payment.id = part.payment_id
    where try_cast(part.deleted as boolean) is distinct from true
      and coalesce(part.invoice_id, part.debit_memo_id) is not null
      and part.payment_id not in (select id from uncounted)

    union all
    select 'credit_note', part.credit_memo_id, 'invoice',
           coalesce(part.invoice_id, part.debit_memo_id), minor(part.amount, account.currency)
    from credit_memo_part part
    join credit_memo on credit_memo.id = part.credit_memo_id and credit_memo.status = 'Posted'
    left join account on account.id = credit_memo.account_id
    where try_cast(part.deleted as boolean) is distinct from true
      and coalesce(part.invoice_id, part.debit_memo_id) is not null

    union all
    select 'credit_note', adjustment.id, 'invoice', adjustment.invoice_id,
           minor(adjustment.amount, account.currency)
    from (
        select * from invoice_adjustment union all by name select * from invoice_item_adjustment
    ) adjustment
    left join account on account.id = adjustment.account_id
    where try_cast(adjustment.deleted as boolean) is distinct from true
      and adjustment.status = 'Processed' and adjustment.type = 'Credit'

    union all
    select if(taken.entity = 'refund', 'refund', given.entity),
           if(taken.entity = 'refund', taken.id, given.id),
           if(taken.entity = 'refund', given.entity, taken.entity),
           if(taken.entity = 'refund', given.id, taken.id),
           least(given.until, taken.until)
           - greatest(given.until - given.amount, taken.until - taken.amount)
    from given
    join taken on taken.pool = given.pool and taken.account_id = given.account_id
    where given.until - given.amount < taken.until and taken.until - taken.amount < given.until
)
select from_entity, from_id as from_external_id, to_entity, to_id as to_external_id,
       sum(amount) as amount
from link
group by all
having sum(amount) is distinct from 0
