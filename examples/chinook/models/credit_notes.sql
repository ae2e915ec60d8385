select
    CreditNoteId as external_id,
    CustomerId as customer_external_id,
    'CH-CN-' || CreditNoteId as custom_id,
    IssuedOn as issued_at,
    'USD' as currency,
    minor(CreditNote.Total, 'USD') as gross_amount,
    minor(CreditNote.Total, 'USD') as net_amount
from CreditNote
join Invoice using (InvoiceId)
