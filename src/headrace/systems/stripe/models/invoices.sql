-- A key that is null in every object arrives as text: hence the casts of those that may be.
-- Drafts are nobody's debt yet, void invoices no longer: neither travels. An invoice that is voided
-- later is deleted by the next sync.
-- Amounts are in Stripe's minor units, which are the currency's lowest division but for a few (ISK,
-- UGX, MGA); dates are seconds since 1970.
select
    id as external_id,
    customer as customer_external_id,
    coalesce(number, id) as custom_id,
    to_timestamp((status_transitions ->> 'finalized_at')::bigint) as issued_at,
    -- Invoices that Stripe charges by itself are due at once.
    to_timestamp(coalesce(due_date::bigint, (status_transitions ->> 'finalized_at')::bigint))
        as due_date,
    upper(currency) as currency,
    minor_units(total, currency, 'stripe') as gross_amount,
    minor_units(coalesce(total_excluding_tax::varchar, total::varchar), currency, 'stripe')
        as net_amount,
    description as name,
    -- Paid, by whatever means: what no charge covers was paid outside Stripe. And what Stripe calls
    -- uncollectible counts as paid, as in Upflow's own Stripe integration.
    to_timestamp(coalesce(status_transitions ->> 'paid_at',
        status_transitions ->> 'marked_uncollectible_at')::bigint) as marked_paid_at
from invoices
where status in ('open', 'paid', 'uncollectible')
