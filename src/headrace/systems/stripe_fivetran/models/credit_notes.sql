-- Credit notes, and negative invoices: what they credit goes to the customer's balance.
with credit_note as (
    select null::varchar as id, null::varchar as livemode, null::varchar as status,
           null::varchar as invoice_id, null::varchar as number, null::varchar as created,
           null::varchar as currency, null::varchar as total, null::varchar as discount_amount,
           null::varchar as reason, null::varchar as memo
    where false
    union all by name select * from credit_note
),
invoice as (
    select null::varchar as id, null::varchar as is_deleted, null::varchar as livemode,
           null::varchar as status, null::varchar as customer_id, null::varchar as number,
           null::varchar as created, null::varchar as period_end,
           null::varchar as status_transitions_finalized_at, null::varchar as currency,
           null::varchar as total, null::varchar as description
    where false
    union all by name select * from invoice
)
select
    credit_note.id as external_id,
    invoice.customer_id as customer_external_id,
    coalesce(credit_note.number, credit_note.id) as custom_id,
    credit_note.created as issued_at,
    upper(credit_note.currency) as currency,
    minor_units(credit_note.total, credit_note.currency, 'stripe') as gross_amount,
    minor_units(credit_note.total, credit_note.currency, 'stripe') as net_amount,
    coalesce(credit_note.reason, credit_note.memo) as name
from credit_note
left join invoice on invoice.id = credit_note.invoice_id
where credit_note.status = 'issued'
  and try_cast(credit_note.livemode as boolean) is distinct from false

union all
select
    id,
    customer_id,
    coalesce(number, id),
    coalesce(status_transitions_finalized_at, created, period_end),
    upper(currency),
    -minor_units(total, currency, 'stripe'),
    -minor_units(total, currency, 'stripe'),
    description
from invoice
where starts_with(total, '-') and status in ('open', 'paid')
  and try_cast(livemode as boolean) is distinct from false
  and try_cast(is_deleted as boolean) is distinct from true
