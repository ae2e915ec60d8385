with payments as (
    select null::varchar as PaymentID, null::varchar as Invoice, null::varchar as CreditNote,
           null::varchar as Overpayment, null::varchar as Prepayment, null::varchar as Status,
           null::varchar as Amount
    where false
    union all by name select * from payments
),
invoices as (
    select null::varchar as InvoiceID, null::varchar as Type, null::varchar as Status,
           null::varchar as CurrencyCode
    where false
    union all by name select * from invoices
),
credit_notes as (
    select null::varchar as CreditNoteID, null::varchar as Type, null::varchar as Status,
           null::varchar as CurrencyCode, null::varchar as Allocations
    where false
    union all by name select * from credit_notes
),
overpayments as (
    select null::varchar as OverpaymentID, null::varchar as Type, null::varchar as Status,
           null::varchar as CurrencyCode, null::varchar as Allocations
    where false
    union all by name select * from overpayments
),
prepayments as (
    select null::varchar as PrepaymentID, null::varchar as Type, null::varchar as Status,
           null::varchar as CurrencyCode, null::varchar as Allocations
    where false
    union all by name select * from prepayments
),
sold as (
    select InvoiceID as id, CurrencyCode from invoices
    where Type = 'ACCREC' and Status in ('AUTHORISED', 'PAID')
),
credit as (
    select 'credit_note' as entity, CreditNoteID as id, CurrencyCode, Allocations
    from credit_notes
    where Type = 'ACCRECCREDIT' and Status in ('AUTHORISED', 'PAID')
    union all
    select 'payment', OverpaymentID, CurrencyCode, Allocations from overpayments
    where Type = 'RECEIVE-OVERPAYMENT' and Status in ('AUTHORISED', 'PAID')
    union all
    select 'payment', PrepaymentID, CurrencyCode, Allocations from prepayments
    where Type = 'RECEIVE-PREPAYMENT' and Status in ('AUTHORISED', 'PAID')
),
used as (
    select entity, id, CurrencyCode, unnest(from_json(Allocations, '["JSON"]')) as item from credit
)
select 'payment' as from_entity, payments.PaymentID as from_external_id, 'invoice' as to_entity,
       sold.id as to_external_id, minor(payments.Amount, sold.CurrencyCode) as amount
from payments
join sold on sold.id = (payments.Invoice ->> 'InvoiceID')
where payments.Status is distinct from 'DELETED'

union all
select 'refund', payments.PaymentID, credit.entity, credit.id,
       minor(payments.Amount, credit.CurrencyCode)
from payments
join credit on credit.id = coalesce(
    payments.CreditNote ->> 'CreditNoteID', payments.Overpayment ->> 'OverpaymentID',
    payments.Prepayment ->> 'PrepaymentID', payments.Invoice ->> 'InvoiceID')
where payments.Status is distinct from 'DELETED'

union all
select entity, id, 'invoice', item -> 'Invoice' ->> 'InvoiceID',
       sum(minor(coalesce(item ->> 'Amount', item ->> 'AppliedAmount'), CurrencyCode))
from used
where coalesce(try_cast(item ->> 'IsDeleted' as boolean), false) = false
group by entity, id, item -> 'Invoice' ->> 'InvoiceID'
