select
    id as external_id,
    customer as customer_external_id,
    number as custom_id,
    to_timestamp(coalesce(effective_at::bigint, created)) as issued_at,
    upper(currency) as currency,
    minor_units(total, currency, 'stripe') as gross_amount,
    minor_units(coalesce(total_excluding_tax::varchar, total::varchar), currency, 'stripe')
        as net_amount,
    reason as name
from credit_notes
where status = 'issued'
