select
    id as external_id,
    customer as customer_external_id,
    number as custom_id,
    to_timestamp(coalesce(effective_at::bigint, created)) as issued_at,
    upper(currency) as currency,
    -- try_cast: a total that is no number is a problem of its own row, not of the model.
    try_cast(total as bigint) as gross_amount,
    coalesce(try_cast(total_excluding_tax as bigint), try_cast(total as bigint)) as net_amount,
    reason as name
from credit_notes
where status = 'issued'
