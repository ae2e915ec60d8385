-- Payments of credit notes, overpayments and prepayments: money that goes back. A payment of a
-- credit note names it as its invoice.
with payments as (
    select null::varchar as PaymentID, null::varchar as Invoice, null::varchar as CreditNote,
           null::varchar as Overpayment, null::varchar as Prepayment, null::varchar as Status,
           null::varchar as Date, null::varchar as Amount, null::varchar as Reference
    where false
    union all by name select * from payments
),
credit_notes as (
    select null::varchar as CreditNoteID, null::varchar as Contact, null::varchar as Type,
           null::varchar as Status, null::varchar as CurrencyCode
    where false
    union all by name select * from credit_notes
),
overpayments as (
    select null::varchar as OverpaymentID, null::varchar as Contact, null::varchar as Type,
           null::varchar as Status, null::varchar as CurrencyCode
    where false
    union all by name select * from overpayments
),
prepayments as (
    select null::varchar as PrepaymentID, null::varchar as Contact, null::varchar as Type,
           null::varchar as Status, null::varchar as CurrencyCode
    where false
    union all by name select * from prepayments
),
credit as (
    select CreditNoteID as id, Contact, CurrencyCode from credit_notes
    where Type = 'ACCRECCREDIT' and Status in ('AUTHORISED', 'PAID')
    union all
    select OverpaymentID, Contact, CurrencyCode from overpayments
    where Type = 'RECEIVE-OVERPAYMENT' and Status in ('AUTHORISED', 'PAID')
    union all
    select PrepaymentID, Contact, CurrencyCode from prepayments
    where Type = 'RECEIVE-PREPAYMENT' and Status in ('AUTHORISED', 'PAID')
)
select
    payments.PaymentID as external_id,
    credit.Contact ->> 'ContactID' as customer_external_id,
    credit.CurrencyCode as currency,
    minor(payments.Amount, credit.CurrencyCode) as amount,
    coalesce(epoch_ms(try_cast(regexp_extract(payments.Date, '^/Date\((-?\d+)', 1) as bigint)),
             try_cast(payments.Date as timestamp)) as validated_at,
    nullif(payments.Reference, '') as ref_number
from payments
join credit on credit.id = coalesce(
    payments.CreditNote ->> 'CreditNoteID', payments.Overpayment ->> 'OverpaymentID',
    payments.Prepayment ->> 'PrepaymentID', payments.Invoice ->> 'InvoiceID')
where payments.Status is distinct from 'DELETED'
