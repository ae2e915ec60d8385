-- Charges that paid an invoice. One without was for something that was never invoiced: as a
-- payment it would stay the customer's credit for ever.
with charge as (
    select null::varchar as id, null::varchar as livemode, null::varchar as status,
           null::varchar as captured, null::varchar as invoice_id,
           null::varchar as payment_intent_id, null::varchar as customer_id,
           null::varchar as currency, null::varchar as amount, null::varchar as created,
           null::varchar as payment_method_details_type, null::varchar as description
    where false
    union all by name select * from charge
),
invoice as (
    select null::varchar as id, null::varchar as charge_id, null::varchar as payment_intent_id,
           null::varchar as customer_id
    where false
    union all by name select * from invoice
),
-- Which invoice a charge paid is said by the charge, by the invoice, or by the payment intent of
-- both.
pays as (
    select charge, arg_min(invoice, (rank, invoice)) as invoice
    from (
        select id as charge, invoice_id as invoice, 1 as rank from charge
        union all
        select charge_id, id, 2 from invoice
        union all
        select charge.id, invoice.id, 3
        from charge
        join invoice on invoice.payment_intent_id = charge.payment_intent_id
    )
    where charge is not null and invoice is not null
    group by charge
),
paid as (
    select charge.*, pays.invoice, invoice.customer_id as billed
    from charge
    join pays on pays.charge = charge.id
    left join invoice on invoice.id = pays.invoice
    where charge.status = 'succeeded'
      and try_cast(charge.captured as boolean) is distinct from false
      and try_cast(charge.livemode as boolean) is distinct from false
)
select
    id as external_id,
    coalesce(customer_id, billed) as customer_external_id,
    upper(currency) as currency,
    minor_units(amount, currency, 'stripe') as amount,
    created as validated_at,
    case payment_method_details_type
        when 'sepa_debit' then 'DIRECT_DEBIT'
        when 'ach_debit' then 'DIRECT_DEBIT'
        when 'us_bank_account' then 'DIRECT_DEBIT'
        when 'bacs_debit' then 'DIRECT_DEBIT'
        when 'customer_balance' then 'WIRE_TRANSFER'
        when 'card' then 'CARD'
        else 'UNKNOWN'
    end as instrument,
    invoice as ref_number
from paid
