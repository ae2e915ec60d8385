with credit_notes as (
    select null::varchar as CreditNoteID, null::varchar as Contact, null::varchar as Type,
           null::varchar as Status, null::varchar as CreditNoteNumber, null::varchar as Date,
           null::varchar as DateString, null::varchar as CurrencyCode, null::varchar as Total,
           null::varchar as TotalTax, null::varchar as Reference
    where false
    union all by name select * from credit_notes
)
select
    CreditNoteID as external_id,
    Contact ->> 'ContactID' as customer_external_id,
    coalesce(nullif(CreditNoteNumber, ''), CreditNoteID) as custom_id,
    coalesce(DateString, Date) as issued_at,
    CurrencyCode as currency,
    minor(Total, CurrencyCode) as gross_amount,
    minor(Total, CurrencyCode) - coalesce(minor(TotalTax, CurrencyCode), 0) as net_amount,
    nullif(Reference, '') as name
from credit_notes
where Type = 'ACCRECCREDIT' and Status in ('AUTHORISED', 'PAID')
