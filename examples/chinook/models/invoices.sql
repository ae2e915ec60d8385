-- Sold in US dollars, without tax, to be paid within 30 days. What is ticked off as paid has no
-- payment behind it: headrace makes one up, marked `fix:`, so that the invoice counts as paid.
select
    InvoiceId as external_id,
    CustomerId as customer_external_id,
    'CH-' || InvoiceId as custom_id,
    InvoiceDate as issued_at,
    try_cast(InvoiceDate as timestamp) + interval 30 days as due_date,
    'USD' as currency,
    minor(Total, 'USD') as gross_amount,
    minor(Total, 'USD') as net_amount,
    PaidOn as marked_paid_at
from Invoice
