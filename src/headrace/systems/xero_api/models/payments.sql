-- Payments of invoices, and money that came before or beyond them.
with payments as (
    select null::varchar as PaymentID, null::varchar as Invoice, null::varchar as Status,
           null::varchar as Date, null::varchar as Amount, null::varchar as Reference
    where false
    union all by name select * from payments
),
invoices as (
    select null::varchar as InvoiceID, null::varchar as Contact, null::varchar as Type,
           null::varchar as Status, null::varchar as CurrencyCode
    where false
    union all by name select * from invoices
),
overpayments as (
    select null::varchar as OverpaymentID, null::varchar as Contact, null::varchar as Type,
           null::varchar as Status, null::varchar as Date, null::varchar as DateString,
           null::varchar as CurrencyCode, null::varchar as Total, null::varchar as Reference
    where false
    union all by name select * from overpayments
),
prepayments as (
    select null::varchar as PrepaymentID, null::varchar as Contact, null::varchar as Type,
           null::varchar as Status, null::varchar as Date, null::varchar as DateString,
           null::varchar as CurrencyCode, null::varchar as Total, null::varchar as Reference
    where false
    union all by name select * from prepayments
),
money as (
    select payments.PaymentID as id, invoices.Contact, invoices.CurrencyCode, payments.Amount,
           payments.Date as day, payments.Reference
    from payments
    join invoices on invoices.InvoiceID = (payments.Invoice ->> 'InvoiceID')
    where payments.Status is distinct from 'DELETED' and invoices.Type = 'ACCREC'
      and invoices.Status in ('AUTHORISED', 'PAID')
    union all
    select OverpaymentID, Contact, CurrencyCode, Total, coalesce(DateString, Date), Reference
    from overpayments
    where Type = 'RECEIVE-OVERPAYMENT' and Status in ('AUTHORISED', 'PAID')
    union all
    select PrepaymentID, Contact, CurrencyCode, Total, coalesce(DateString, Date), Reference
    from prepayments
    where Type = 'RECEIVE-PREPAYMENT' and Status in ('AUTHORISED', 'PAID')
)
select
    id as external_id,
    Contact ->> 'ContactID' as customer_external_id,
    CurrencyCode as currency,
    minor(Amount, CurrencyCode) as amount,
    coalesce(epoch_ms(try_cast(regexp_extract(day, '^/Date\((-?\d+)', 1) as bigint)),
             try_cast(day as timestamp)) as validated_at,
    nullif(Reference, '') as ref_number
from money
