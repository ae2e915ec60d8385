-- A payment or credit note names the one invoice that it is for.
select 'payment' as from_entity, PaymentId as from_external_id,
       'invoice' as to_entity, InvoiceId as to_external_id,
       minor(Amount, 'USD') as amount
from Payment
union all
select 'credit_note', CreditNoteId, 'invoice', InvoiceId, minor(Total, 'USD')
from CreditNote
