-- Amounts are in Stripe's minor units. Drafts and voided ones are left out, and what Stripe calls
-- uncollectible counts as paid, as in Upflow's own Stripe integration.
with invoice as (
    select null::varchar as id, null::varchar as is_deleted, null::varchar as livemode,
           null::varchar as status, null::varchar as customer_id, null::varchar as number,
           null::varchar as created, null::varchar as period_end, null::varchar as due_date,
           null::varchar as status_transitions_finalized_at,
           null::varchar as status_transitions_paid_at,
           null::varchar as status_transitions_marked_uncollectible_at, null::varchar as currency,
           null::varchar as total, null::varchar as tax, null::varchar as description
    where false
    union all by name select * from invoice
),
finalised as (
    select *, coalesce(status_transitions_finalized_at, created, period_end) as issued
    from invoice
    where status in ('open', 'paid', 'uncollectible')
      and try_cast(livemode as boolean) is distinct from false
      and try_cast(is_deleted as boolean) is distinct from true
      and not coalesce(starts_with(total, '-'), false)
)
select
    id as external_id,
    customer_id as customer_external_id,
    coalesce(number, id) as custom_id,
    issued as issued_at,
    -- Invoices that Stripe charges by itself are due at once.
    coalesce(due_date, issued) as due_date,
    upper(currency) as currency,
    minor_units(total, currency, 'stripe') as gross_amount,
    minor_units(total, currency, 'stripe')
        - coalesce(minor_units(tax, currency, 'stripe'), 0) as net_amount,
    description as name,
    case when status in ('paid', 'uncollectible') then coalesce(
        status_transitions_paid_at, status_transitions_marked_uncollectible_at, issued) end
        as marked_paid_at
from finalised
