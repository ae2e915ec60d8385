-- Drafts and submitted ones are not yet debts, deleted and voided ones no longer. Times are ISO
-- text in a tap's tables, and /Date(milliseconds)/ in the API's objects, with ISO text beside them.
with invoices as (
    select null::varchar as InvoiceID, null::varchar as Contact, null::varchar as Type,
           null::varchar as Status, null::varchar as InvoiceNumber, null::varchar as Date,
           null::varchar as DateString, null::varchar as DueDate, null::varchar as DueDateString,
           null::varchar as CurrencyCode, null::varchar as Total, null::varchar as TotalTax,
           null::varchar as Reference
    where false
    union all by name select * from invoices
)
select
    InvoiceID as external_id,
    Contact ->> 'ContactID' as customer_external_id,
    coalesce(nullif(InvoiceNumber, ''), InvoiceID) as custom_id,
    coalesce(DateString, Date) as issued_at,
    coalesce(DueDateString, DueDate, DateString, Date) as due_date,
    CurrencyCode as currency,
    minor(Total, CurrencyCode) as gross_amount,
    minor(Total, CurrencyCode) - coalesce(minor(TotalTax, CurrencyCode), 0) as net_amount,
    nullif(Reference, '') as name
from invoices
where Type = 'ACCREC' and Status in ('AUTHORISED', 'PAID')
