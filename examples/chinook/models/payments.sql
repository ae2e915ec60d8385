select
    PaymentId as external_id,
    CustomerId as customer_external_id,
    'USD' as currency,
    minor(Amount, 'USD') as amount,
    Payment.PaidOn as validated_at,
    Method as instrument,
    'CH-' || InvoiceId as ref_number
from Payment
join Invoice using (InvoiceId)
